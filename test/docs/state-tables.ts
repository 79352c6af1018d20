import { PROTOCOLS, TABLES, VIEWS, onReceive, onSend } from '../../src/wsba/index.js';
import type { Message, ParticipantMessage, Protocol, ReceiveCell, SendCell, State, View } from '../../src/wsba/index.js';
import { HELD_CELLS, isHeld } from './held-cells.js';
import type { HeldCell } from './held-cells.js';

/** Why a message may be right although it is not legal here yet: by what it reports. */
const REASONS: { readonly [M in ParticipantMessage]?: string } = {
  Completed:
    'The participant may have been told to complete by f + 1 other replicas, which delivered the request to complete before this one did.',
  Canceled:
    'The participant may have been told to cancel by f + 1 other replicas, which delivered the decision (a cancel, a close that does not name it, or the end of the activity) before this one did.',
  Closed: 'The participant may have been told to close by f + 1 other replicas, which delivered the close before this one did.',
  Compensated:
    'The participant may have been told to compensate by f + 1 other replicas, which delivered the decision against it before this one did.',
  Fail: 'The participant may have been told to compensate by f + 1 other replicas, and it could not: the decision against it has not been delivered here yet.',
};

/** docs/state-tables.md, from the tables and the rule in the code. */
export function stateTablesPage(): string {
  return [
    '# State tables',
    '',
    'Made from `src/wsba` by `npm run docs`. The tables are those of WS-BusinessActivity 1.1 (which 1.2 repeats), equal to the',
    'standard’s in every cell (`test/wsba/tables.test.ts`), and executed against running replicas ([conformance](conformance.md)).',
    '',
    '## Where a replicated coordinator waits instead of answering InvalidState',
    '',
    'A single coordinator sends a command and then gets its answer. Here there are several, and a participant obeys as soon as',
    'f + 1 of them have told it the same. Its answer may then reach another replica before the decision does. That replica must not',
    'call the answer invalid, or its state would depend on which of the two came first. So it holds a message that some',
    'command of its own can still make legal ([rule 1](confluence.md)), and all that follows on that participant’s stream.',
    'When the decision is delivered, the states go through the command and its answer. If another one is delivered, or the activity is',
    'ended, the message was a lie: it is invalid for good and gets its InvalidState then. Meanwhile listParticipants names',
    'what it waits for. These are all such cells:',
    '',
    '| protocol | state | message | waits until the coordinator sends | reason |',
    '|---|---|---|---|---|',
    ...HELD_CELLS.map(heldRow),
    '',
    'In every other cell marked InvalidState no sending can make the message legal any more: it is answered at once, with the fault',
    'sent to the participant’s FaultTo or ReplyTo, and passed over. Exiting, NotCompleting and the Failing states end as soon as',
    'the coordinator has sent its own acknowledgement: they wait for nobody’s decision, and nothing is held in them.',
    '',
    '## The tables',
    '',
    '`→ X`: the state becomes X. *ignore*: taken in, without effect. *send M again*: the answer was lost, so M is sent once more.',
    'InvalidState: the fault. **held**: InvalidState in the standard, held by a replicated coordinator as above. *again*: may be',
    'repeated. –: is not sent.',
    '',
    ...PROTOCOLS.flatMap((protocol) => VIEWS.flatMap((view) => viewTables(protocol, view))),
  ].join('\n');
}

function heldRow({ protocol, state, message, releasedBy }: HeldCell): string {
  const reason = REASONS[message];
  if (reason === undefined) throw new TypeError(`no reason is given for holding ${message} in ${state}`);
  return `| ${protocol} | ${state} | ${message} | ${releasedBy.join(' or ')} | ${reason} |`;
}

function viewTables(protocol: Protocol, view: View): readonly string[] {
  const { states, inbound, outbound } = TABLES[protocol][view];
  const receive = (state: State, message: Message): string => {
    const cell = onReceive(protocol, view, state, message);
    return receiveText(cell, view === 'coordinator' && isHeld(protocol, state, message));
  };
  return [
    `### ${protocol}, ${view} view`,
    '',
    ...grid('receives', states, inbound, receive),
    ...grid('sends', states, outbound, (state, message) => sendText(onSend(protocol, view, state, message))),
  ];
}

function grid<M extends string>(
  verb: string,
  states: readonly State[],
  messages: readonly M[],
  cell: (state: State, message: M) => string,
): readonly string[] {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    row([`in state … ${verb}`, ...messages]),
    row(['---', ...messages.map(() => '---')]),
    ...states.map((state) => row([state, ...messages.map((message) => cell(state, message))])),
    '',
  ];
}

function receiveText(cell: ReceiveCell, held: boolean): string {
  switch (cell.kind) {
    case 'go':
      return `→ ${cell.to}`;
    case 'ignore':
      return '*ignore*';
    case 'resend':
      return `*send ${cell.message} again*`;
    case 'InvalidState':
      return held ? '**held**' : 'InvalidState';
  }
}

function sendText(cell: SendCell): string {
  switch (cell.kind) {
    case 'go':
      return `→ ${cell.to}`;
    case 'again':
      return '*again*';
    case 'forbidden':
      return '–';
  }
}
