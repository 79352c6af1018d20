import { ConcordatError } from '../../errors.js';
import { DemoFailure } from '../failure.js';
import { TRAVEL_LIMITS } from '../limits.js';

/** What a visitor may do to a replica: restart also makes a lying one honest again. */
export const ACTIONS = ['kill', 'pause', 'continue', 'restart', 'corrupt'] as const;
export type Action = (typeof ACTIONS)[number];
export const isAction = (text: string): text is Action => ACTIONS.some((action) => action === text);

/** How the page gets at the replicas' processes: by itself, or by commands that the visitor types. */
export type Controls =
  | {
      readonly kind: 'buttons';
      /** Resolves when it is done. @throws DemoFailure with what went wrong, in words */
      perform(replica: number, action: Action): Promise<void>;
    }
  | { readonly kind: 'commands' };

/** Asks the demo that started this process. */
export interface ControlRequest {
  readonly control: number;
  readonly replica: number;
  readonly action: Action;
}

export interface ControlReply {
  readonly control: number;
  /** What went wrong, if anything did. */
  readonly failure?: string;
}

export function isControlRequest(message: unknown): message is ControlRequest {
  if (typeof message !== 'object' || message === null) return false;
  const { control, replica, action }: Partial<Record<keyof ControlRequest, unknown>> = message;
  return typeof control === 'number' && typeof replica === 'number' && typeof action === 'string' && isAction(action);
}

/**
 * Controls over the channel that Node opens between a process and the one that started it; no port is needed, and nobody else
 * can use it. Without such a channel a visitor gets the commands to type.
 */
export function controlsOfParent(): Controls {
  if (process.send === undefined) return { kind: 'commands' };
  const waiting = new Map<number, (failure: string | undefined) => void>();
  let last = 0;
  process.on('message', (reply: Partial<ControlReply>) => {
    if (typeof reply.control === 'number') waiting.get(reply.control)?.(reply.failure);
  });
  const perform = async (replica: number, action: Action): Promise<void> => {
    if (!process.connected) throw new DemoFailure('the demo that started the replicas is gone');
    const control = (last += 1);
    let timer: NodeJS.Timeout | undefined;
    const failure = await new Promise<string | undefined>((resolve) => {
      waiting.set(control, resolve);
      timer = setTimeout(() => resolve('the demo gave no answer in time'), TRAVEL_LIMITS.controlMs);
      const request: ControlRequest = { control, replica, action };
      process.send?.(request, undefined, undefined, (error) => {
        if (error !== null) resolve(error.message);
      });
    });
    clearTimeout(timer);
    waiting.delete(control);
    if (failure !== undefined) throw new DemoFailure(failure);
  };
  return { kind: 'buttons', perform: oneAtATime(perform) };
}

/** Refuses a second action on a replica while one is under way. */
export function oneAtATime(
  perform: (replica: number, action: Action) => Promise<void>,
): (replica: number, action: Action) => Promise<void> {
  const busy = new Set<number>();
  return async (replica, action) => {
    if (busy.has(replica)) throw new ConcordatError('Busy', `replica ${replica} is being started or stopped`);
    busy.add(replica);
    try {
      await perform(replica, action);
    } finally {
      busy.delete(replica);
    }
  };
}
