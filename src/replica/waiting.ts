import type { PendingView } from '../bft/index.js';
import { controlStream, parseStream, participantOfStream } from '../contract/index.js';
import { MESSAGE_LIMITS, type WaitingRequest } from '../soap/messages/index.js';
import { type Activity, waiting } from '../wsba/index.js';
import { decodeOperation } from './operation.js';

/** A waiting request in an operator's status. */
export interface WaitingReport extends WaitingRequest {
  readonly activity: string;
  /** Things it waits for beyond those that are listed. */
  readonly waitsForOmitted: number;
}

/** Things that one waiting request waits for, listed in a status; participants' lists have them all. */
const MAX_WAITS_FOR = 32;

export interface WaitingSources {
  /** Requests that may not be voted for yet: of one activity, or all. */
  readonly pending: (activity?: string) => readonly PendingView[];
  /** The payload of a delivered request. */
  readonly delivered: (stream: string, number: number) => Uint8Array | undefined;
}

/** One that waits, before its payload is read: only those that are listed are. */
interface Found {
  readonly activity: string;
  readonly stream: string;
  readonly number: number;
  readonly code: string;
  readonly waitsFor: readonly string[];
  readonly payload: () => Uint8Array | undefined;
}

/** What of an activity cannot take effect at this replica yet, and whom it waits for. A state of this replica, in no order. */
export class WaitingRequests {
  constructor(private readonly sources: WaitingSources) {}

  /** Of one activity: the initiator's requests first, MESSAGE_LIMITS.waiting at the most. */
  of(activity: Activity): readonly WaitingRequest[] {
    const found = [...this.#held(activity), ...this.#pending(activity.id)].sort(byStream);
    return found.slice(0, MESSAGE_LIMITS.waiting).map(describe);
  }

  /** Of all activities, known here or not yet. */
  all(activities: readonly Activity[], limit: number): { readonly listed: readonly WaitingReport[]; readonly omitted: number } {
    const found = [...activities.flatMap((activity) => this.#held(activity)), ...this.#pending()];
    const listed = found.slice(0, limit).map(report);
    return { listed, omitted: found.length - listed.length };
  }

  /** Certified and delivered, and held inside the activity (rules 1 and 2). */
  #held(activity: Activity): Found[] {
    return waiting(activity).map(({ stream: inside, number, waitsFor }) => {
      const stream = inside === 'control' ? controlStream(activity.id) : inside;
      const payload = (): Uint8Array | undefined => this.sources.delivered(stream, number);
      return { activity: activity.id, stream, number, code: 'NotEnabled', waitsFor, payload };
    });
  }

  #pending(activity?: string): Found[] {
    return this.sources.pending(activity).map(({ domain, request, code, waitsFor }) => {
      const { stream, number, payload } = request;
      return { activity: domain, stream, number, code, waitsFor, payload: () => payload };
    });
  }
}

/** What a certified and held request waits for; undefined if none is held there. */
export function heldFor(activity: Activity, stream: string, number: number): readonly string[] | undefined {
  const inside = stream === controlStream(activity.id) ? 'control' : stream;
  return waiting(activity).find((head) => head.stream === inside && head.number === number)?.waitsFor;
}

function describe({ stream, number, code, waitsFor, payload }: Found): WaitingRequest {
  const kind = parseStream(stream)?.kind ?? 'control';
  const bytes = payload();
  return {
    stream: kind,
    ...(kind === 'participant' && { participant: participantOfStream(stream) }),
    number,
    operation: bytes === undefined ? 'unknown' : decodeOperation(bytes).body.name,
    code,
    waitsFor,
  };
}

function report(one: Found): WaitingReport {
  const waitsFor = one.waitsFor.slice(0, MAX_WAITS_FOR);
  return { activity: one.activity, ...describe({ ...one, waitsFor }), waitsForOmitted: one.waitsFor.length - waitsFor.length };
}

const kindOrder = ({ stream }: Found): number => (stream.startsWith('control/') ? 0 : 1);

function byStream(a: Found, b: Found): number {
  const order = kindOrder(a) - kindOrder(b);
  if (order !== 0) return order;
  return a.stream === b.stream ? a.number - b.number : a.stream < b.stream ? -1 : 1;
}
