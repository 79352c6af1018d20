import { type RetiredRecord, signersOf } from '../bft/index.js';
import { type RetiredRecord as StoredRecord } from '../store/index.js';
import { commandId, participants } from '../wsba/index.js';
import { acknowledgementOf } from './commands.js';
import type { Entry } from './entry.js';
import { sumOf } from './prints.js';
import { type FindDelivery, tellTimeline, type TimelineLine } from './report.js';
import { encodeNotes, namesOf, type UnitNotes } from './retired-units.js';
import { decodeMembers, type Member } from './unit-state.js';

/** A delivery with the certificate that delivered it. */
export interface CertifiedDelivery {
  readonly position: number;
  readonly number: number;
  readonly certificate: Uint8Array;
}

export interface PortraitSources {
  /** Replicas in all. */
  readonly n: number;
  /** The activities that the state of a record was made from; undefined if it came from peers. */
  readonly packed: (state: Uint8Array) => readonly Entry[] | undefined;
  /** What the store holds of a stream, in order. */
  readonly deliveries: (stream: string) => readonly CertifiedDelivery[];
  /** The certificate of a participant's Register that an older record has, in base64. */
  readonly certificate: (stream: string) => string | undefined;
}

export type Portrait = Pick<StoredRecord, 'names' | 'notes' | 'commands' | 'prints'>;

/** How a retired unit is found, counted and told about later on. */
export function portray({ state, streams }: RetiredRecord, sources: PortraitSources): Portrait {
  const entries = sources.packed(state);
  const members: readonly Member[] = entries ?? decodeMembers(state);
  const deliveries = streams.reduce((sum, { digests }) => sum + digests.length, 0);
  return {
    names: namesOf(members),
    notes: entries === undefined ? Buffer.alloc(0) : encodeNotes(noteDown(entries, sources)),
    commands: members.flatMap(acknowledgements),
    prints: { deliveries, ...sumOf(members.map(({ activity }) => activity)) },
  };
}

const acknowledgements = ({ activity }: Member): string[] =>
  participants(activity).flatMap((participant) => {
    const command = acknowledgementOf(participant);
    return command === undefined ? [] : [commandId(activity.id, participant.id, command)];
  });

function noteDown(entries: readonly Entry[], { n, deliveries, certificate }: PortraitSources): UnitNotes {
  const streams = new Map(
    [...new Set(entries.flatMap((entry) => [...entry.streams]))].map((stream) => [stream, deliveries(stream)]),
  );
  const find: FindDelivery = (stream, number) => {
    const found = streams.get(stream)?.find((delivery) => delivery.number === number);
    return found && { position: found.position, certifiedBy: signersOf(found.certificate, n) };
  };
  const timelines: Record<string, readonly TimelineLine[]> = {};
  const certificates: Record<string, string> = {};
  const wordings: Record<string, Record<string, string>> = {};
  for (const { activity, told, history, results } of entries) {
    timelines[activity.id] = [...told, ...tellTimeline(find, activity, history)];
    for (const { stream } of participants(activity)) {
      const first = streams.get(stream)?.[0];
      const text = first?.number === 1 ? Buffer.from(first.certificate).toString('base64') : certificate(stream);
      if (text !== undefined) certificates[stream] = text;
    }
    const refusals = [...results].flatMap(([key, result]) => (result.ok ? [] : [[key, result.detail] as const]));
    if (refusals.length > 0) wordings[activity.id] = Object.fromEntries(refusals);
  }
  return { timelines, certificates, wordings };
}
