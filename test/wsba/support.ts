import { createActivity, machine } from '../../src/wsba/index.js';
import type {
  Activity,
  ControlRequest,
  Effect,
  Input,
  Machine,
  Notification,
  Outcome,
  ParticipantMessage,
  Protocol,
  Registration,
  Result,
} from '../../src/wsba/index.js';

export const CREATED = 1_700_000_000_000;

export const newActivity = (outcome: Outcome): Activity =>
  createActivity({ id: 'urn:uuid:a', outcome, creator: 'CN=Agency', created: CREATED, expires: 60_000 });

export const control = (number: number, request: ControlRequest): Input => ({ stream: 'control', number, request });

export const streamOf = (participant: string): string => `/${participant}`;

export const register = (participant: string, protocol: Protocol, extra: Partial<Registration> = {}): Input => ({
  stream: streamOf(participant),
  number: 1,
  request: { kind: 'register', participant, protocol, invitation: '', writer: `CN=${participant}`, service: '<epr/>', ...extra },
});

export const notify = (participant: string, number: number, message: ParticipantMessage, exception?: string): Input => ({
  stream: streamOf(participant),
  number,
  request: notification(message, exception),
});

const notification = (message: ParticipantMessage, exception?: string): Notification => ({
  kind: 'notify',
  message,
  ...(exception === undefined ? {} : { exception }),
});

/** A control stream from its requests, and a participant's from its protocol and messages. */
export const controlStream = (requests: readonly ControlRequest[]): readonly Input[] =>
  requests.map((request, index) => control(index + 1, request));

export const participantStream = (id: string, protocol: Protocol, messages: readonly ParticipantMessage[]): readonly Input[] => [
  register(id, protocol),
  ...messages.map((message, index) => notify(id, index + 2, message)),
];

export interface Run {
  readonly activity: Activity;
  readonly effects: readonly Effect[];
}

/** Delivers the inputs in the given order and collects every effect. */
export function runFrom(start: Activity, inputs: readonly Input[], using: Machine = machine): Run {
  let activity = start;
  const effects: Effect[] = [];
  for (const input of inputs) {
    const step = using.deliver(activity, input);
    activity = step.activity;
    effects.push(...step.effects);
  }
  return { activity, effects };
}

export const run = (outcome: Outcome, inputs: readonly Input[], using?: Machine): Run =>
  runFrom(newActivity(outcome), inputs, using);

export const stateOf = (a: Activity, participant: string): string | undefined => a.participants.get(participant)?.state;

export const commandsTo = (effects: readonly Effect[], participant: string): readonly string[] =>
  effects.flatMap((effect) => (effect.kind === 'command' && effect.participant === participant ? [effect.command] : []));

/** The answer to a request of the control stream: 'ok', the code of the refusal, or undefined while it waits. */
export function answerTo(effects: readonly Effect[], number: number, stream = 'control'): string | undefined {
  const results = effects.flatMap((e): Result[] =>
    e.kind === 'reply' && e.to.stream === stream && e.to.number === number ? [e.result] : [],
  );
  if (results.length > 1) throw new Error(`${stream}#${number} was answered ${results.length} times`);
  const [result] = results;
  if (result === undefined) return undefined;
  return result.ok ? 'ok' : result.code;
}
