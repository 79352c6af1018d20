import { encodeActivity, participants, waiting } from '../../src/wsba/index.js';
import type { Activity, Input, Machine, ParticipantRecord } from '../../src/wsba/index.js';
import { PARTICIPANTS } from './alphabet.js';
import { endingsOf } from './interleavings.js';
import type { Ending } from './interleavings.js';
import { placeOf } from './observe.js';
import { lengthOf } from './streams.js';
import type { StreamSet } from './streams.js';

/** A stream set with all the ways in which it ends, for people. */
export function describeFinding(title: string, machine: Machine, set: StreamSet): string {
  const { endings, split } = endingsOf(machine, set);
  const ends = endings.length === 1 ? 'It always ends alike' : `It ends in ${endings.length} ways`;
  const told = split ? ', and somebody is told both Close and Cancel or Compensate' : '';
  const texts = endings.map(endText);
  const same = new Set(texts).size < texts.length;
  return [
    `${title}: ${lengthOf(set)} requests, ${set.outcome}`,
    ...streamLines(set),
    '',
    `${ends}${told}:`,
    ...endings.flatMap((ending, i) => [
      '',
      ...endLines(i + 1, ending),
      ...(same ? [`   state    ${encodeActivity(ending.activity)}`] : []),
    ]),
  ].join('\n');
}

function streamLines({ streams }: StreamSet): readonly string[] {
  return ['control', ...PARTICIPANTS].map((name, i) => {
    const requests = (streams[i] ?? []).map(requestText);
    return `   ${name.padEnd(8)} ${requests.join(', ') || 'nothing'}`;
  });
}

/** A request without its place: `close {P, Q}`, `Register (ParticipantCompletion)`, `Completed`. */
function requestText({ request }: Input): string {
  switch (request.kind) {
    case 'register':
      return `Register (${request.protocol})`;
    case 'notify':
      return request.message;
    case 'complete':
    case 'close':
    case 'cancel':
    case 'compensate':
      return request.participants === undefined ? request.kind : `${request.kind} {${request.participants.join(', ')}}`;
    case 'invite':
      return `invite ${request.matchcode}`;
    case 'end':
      return 'END';
  }
}

const inputText = (input: Input): string => `${placeOf(input)} ${requestText(input)}`;

const endText = ({ activity, log }: Ending): string => [stateText(activity), ...log].join('\n');

function endLines(number: number, ending: Ending): readonly string[] {
  return [
    `${number}. by       ${ending.by.map(inputText).join(', ')}`,
    `   state    ${stateText(ending.activity)}`,
    `   answers  ${ending.log.join(', ') || 'none'}`,
  ];
}

function stateText(activity: Activity): string {
  const everybody = participants(activity).map(participantText);
  const held = waiting(activity).map((head) => `${placeOf(head)} waits for ${head.waitsFor.join(' or ')}`);
  return [settlementText(activity), ...everybody, ...held].join('; ');
}

function settlementText({ settlement }: Activity): string {
  if (settlement === undefined) return 'not settled';
  return `settled by ${settlement.kind}${settlement.kind === 'close' ? ` {${settlement.named.join(', ')}}` : ''}`;
}

function participantText({ id, state, endedBy, completed, decision }: ParticipantRecord): string {
  const end = endedBy === undefined ? '' : ` by ${endedBy}`;
  const was = completed && state === 'Ended' ? ', had completed' : '';
  return `${id} ${state}${end}${was}${decision === undefined ? '' : `, decided: ${decision}`}`;
}
