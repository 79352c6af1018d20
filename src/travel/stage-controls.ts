import { oneLine } from '../cli/exit.js';
import { DemoFailure } from './failure.js';
import type { Action, ControlReply } from './page/controls.js';
import { isControlRequest } from './page/controls.js';
import type { Stage } from './stage.js';
import { PROGRAMS } from './stage.js';

/** What of the stage the page may reach. */
export type Controlled = Pick<Stage, 'replicaIds' | 'killReplica' | 'pauseReplica' | 'continueReplica' | 'restartReplica'>;

/** Does what the agency's page asks for over the channel of its process. @returns undefined for any other message */
export async function answerControl(stage: Controlled, message: unknown): Promise<ControlReply | undefined> {
  if (!isControlRequest(message)) return undefined;
  const { control, replica, action } = message;
  try {
    if (!stage.replicaIds.includes(replica)) throw new DemoFailure(`there is no replica ${replica}`);
    await perform(stage, replica, action);
    return { control };
  } catch (error) {
    return { control, failure: error instanceof DemoFailure ? error.message : oneLine(error) };
  }
}

function perform(stage: Controlled, replica: number, action: Action): Promise<void> {
  switch (action) {
    case 'kill':
      return stage.killReplica(replica);
    case 'pause':
      return stage.pauseReplica(replica);
    case 'continue':
      return stage.continueReplica(replica);
    case 'restart':
      return stage.restartReplica(replica);
    case 'corrupt':
      return stage.restartReplica(replica, PROGRAMS.lyingReplica);
  }
}
