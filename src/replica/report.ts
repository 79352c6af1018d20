import { parseStream, participantOfStream } from '../contract/index.js';
import {
  type Activity,
  type CoordinatorMessage,
  delivered,
  applied,
  isEnded,
  type Outcome,
  type ParticipantRecord,
  participants,
  resultState,
  type State,
  waiting,
} from '../wsba/index.js';
import type { HistoryLine } from './entry.js';
import type { CoordinationService } from './service.js';

/** One activity as this replica holds it: an element of the answer to `{ "ask": "activities" }` on the operator port. */
export interface ActivitySummary {
  readonly id: string;
  readonly outcome: Outcome;
  /** The writer of its control stream. */
  readonly creator: string;
  /** Milliseconds since 1970, from the signed request that created it. */
  readonly created: number;
  /** wscoor:Expires: its lifetime from `created`, in milliseconds. */
  readonly expires?: number;
  /** The activity it lies in. */
  readonly inside?: string;
  /** What settled it as a whole, once something did. */
  readonly settlement?: 'close' | 'cancel' | 'end';
  readonly ended: boolean;
  readonly participants: readonly ParticipantReport[];
}

export interface ParticipantReport {
  readonly id: string;
  /** '' if it registered with the plain context. */
  readonly matchcode: string;
  readonly writer: string;
  readonly protocol: string;
  readonly state: State;
  readonly resultState: 'Active' | 'Completed';
  readonly endedBy?: string;
  /** What a held message of its stream waits for. */
  readonly waitsFor?: readonly string[];
}

/** The answer to `{ "ask": "activity", "activity": id }`: everything delivered in it, and what followed. */
export interface ActivityReport extends ActivitySummary {
  readonly replica: number;
  readonly timeline: readonly TimelineLine[];
}

export type TimelineLine =
  | {
      readonly kind: 'request';
      /** In this replica's delivery log. */
      readonly position: number;
      /** Local name of the Body's child. */
      readonly message: string;
      /** The identity whose signature is on it. */
      readonly signer: string;
      readonly stream: 'create' | 'control' | 'participant';
      readonly number: number;
      readonly participant?: string;
      readonly matchcode?: string;
      /** The replicas whose signed votes make the certificate that this replica holds. */
      readonly certifiedBy: readonly number[];
      /** Two rounds of votes instead of one. */
      readonly control: boolean;
      /** Delivered, and held until the coordinator's own decision makes it legal. */
      readonly waiting: boolean;
    }
  | { readonly kind: 'command'; readonly command: CoordinatorMessage; readonly participant: string; readonly matchcode: string };

/** A delivered request, read back from the store. */
export interface StoredDelivery {
  readonly position: number;
  readonly writer: string;
  readonly payload: Uint8Array;
  readonly certifiedBy: readonly number[];
}

/** Where a timeline's requests are found. */
export type FindDelivery = (stream: string, number: number) => Pick<StoredDelivery, 'position' | 'certifiedBy'> | undefined;

export interface ReportSources {
  readonly replica: number;
  readonly service: CoordinationService;
  readonly delivery: FindDelivery;
  /** The state that this replica shows of a participant. */
  readonly stateOf: (activity: string, participant: ParticipantRecord) => State;
}

/** Activities in one answer, at the most. */
export const MAX_LISTED_ACTIVITIES = 200;

/** The newest activities, the last one first: those in memory, and retired ones. */
export function summarize(sources: Pick<ReportSources, 'service' | 'stateOf'>, limit: number): ActivitySummary[] {
  const most = Math.min(limit, MAX_LISTED_ACTIVITIES);
  const { service } = sources;
  const newest = [...service.activities().reverse(), ...service.retired(most)].sort((a, b) => b.created - a.created);
  return newest.slice(0, most).map((activity) => summary(sources, activity));
}

/** @returns undefined for an activity that this replica does not know */
export function reportActivity(sources: ReportSources, id: string): ActivityReport | undefined {
  const activity = sources.service.activity(id);
  if (activity === undefined) return undefined;
  const { told = [], history = [] } = sources.service.history(id) ?? {};
  const timeline = [...told, ...tellTimeline(sources.delivery, activity, history)];
  return { ...summary(sources, activity), replica: sources.replica, timeline };
}

/** What happened, with what the store knows of each request. */
export const tellTimeline = (delivery: FindDelivery, activity: Activity, history: readonly HistoryLine[]): TimelineLine[] =>
  history.flatMap((line) => timelineLine(delivery, activity, line) ?? []);

function summary({ stateOf }: Pick<ReportSources, 'stateOf'>, activity: Activity): ActivitySummary {
  const held = new Map(waiting(activity).map((head) => [head.stream, head.waitsFor]));
  return {
    id: activity.id,
    outcome: activity.outcome,
    creator: activity.creator,
    created: activity.created,
    ...(activity.expires === undefined ? {} : { expires: activity.expires }),
    ...(activity.outer === undefined ? {} : { inside: activity.outer.activity }),
    ...(activity.settlement === undefined ? {} : { settlement: activity.settlement.kind }),
    ended: isEnded(activity),
    participants: participants(activity).map((participant) =>
      reportParticipant(participant, stateOf(activity.id, participant), held.get(participant.stream)),
    ),
  };
}

function reportParticipant(
  participant: ParticipantRecord,
  state: State,
  waitsFor: readonly string[] | undefined,
): ParticipantReport {
  const { id, invitation, writer, protocol, endedBy } = participant;
  return {
    id,
    matchcode: invitation,
    writer,
    protocol,
    state,
    resultState: resultState(participant),
    ...(endedBy === undefined ? {} : { endedBy }),
    ...(waitsFor === undefined ? {} : { waitsFor }),
  };
}

function timelineLine(delivery: FindDelivery, activity: Activity, line: HistoryLine): TimelineLine | undefined {
  if (line.kind === 'command') {
    const { command, participant } = line;
    return { kind: 'command', command, participant, matchcode: activity.participants.get(participant)?.invitation ?? '' };
  }
  const { stream, number } = line;
  const stored = delivery(stream, number);
  const parsed = parseStream(stream);
  if (stored === undefined || parsed === undefined) return undefined;
  const participant = parsed.kind === 'participant' ? participantOfStream(stream) : undefined;
  const matchcode = participant === undefined ? undefined : activity.participants.get(participant)?.invitation;
  const inside = parsed.kind === 'control' ? 'control' : stream;
  return {
    kind: 'request',
    position: stored.position,
    message: line.message,
    signer: parsed.kind === 'control' ? activity.creator : parsed.writer,
    stream: parsed.kind,
    number,
    ...(participant === undefined ? {} : { participant }),
    ...(matchcode === undefined ? {} : { matchcode }),
    certifiedBy: stored.certifiedBy,
    control: parsed.kind === 'control',
    waiting: parsed.kind !== 'create' && number > applied(activity, inside) && number <= delivered(activity, inside),
  };
}
