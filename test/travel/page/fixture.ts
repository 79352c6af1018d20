import type { ActivitySummary, ParticipantReport, ReplicaStatus, TimelineLine } from '../../../src/replica/index.js';
import type { Booking } from '../../../src/travel/bookings.js';
import { USUAL } from '../../../src/travel/catalog.js';
import type { Reservation } from '../../../src/travel/inventory.js';
import type { ReplicaReading } from '../../../src/travel/page/readings.js';
import type { People } from '../../../src/travel/page/words.js';

export const ACTIVITY = 'urn:uuid:00000000-0000-8000-8000-000000000001';
export const PEOPLE: People = { agency: 'CN=agency', airline: 'CN=airline', hotel: 'CN=hotel' };

export const booking = (over: Partial<Booking> = {}): Booking => ({
  id: 'trip-1',
  customer: 'Ada',
  items: USUAL,
  state: 'completing',
  activity: ACTIVITY,
  reason: undefined,
  ...over,
});

export const participant = (role: 'airline' | 'hotel', over: Partial<ParticipantReport> = {}): ParticipantReport => ({
  id: `id-${role}`,
  matchcode: role === 'airline' ? 'flight' : 'room',
  writer: PEOPLE[role],
  protocol: 'CoordinatorCompletion',
  state: 'Active',
  resultState: 'Active',
  ...over,
});

export const activity = (over: Partial<ActivitySummary> = {}): ActivitySummary => ({
  id: ACTIVITY,
  outcome: 'AtomicOutcome',
  creator: PEOPLE.agency,
  created: 1_000,
  ended: false,
  participants: [participant('airline'), participant('hotel')],
  ...over,
});

export const reservation = (state: Reservation['state']): Reservation => ({
  key: 'trip-1@x',
  item: USUAL.airline,
  customer: 'Ada',
  activity: ACTIVITY,
  state,
});

export const status = (replica: number, over: Partial<ReplicaStatus> = {}): ReplicaStatus => ({
  replica,
  cluster: 'c',
  startedAt: 1_000,
  voting: true,
  deliveries: 10,
  activities: { total: 1, open: 1 },
  positions: 'p10',
  state: 's10',
  perActivity: [{ id: ACTIVITY, positions: 'p', state: 's' }],
  perActivityOmitted: 0,
  open: 0,
  pending: 0,
  commands: 0,
  waiting: [
    {
      activity: ACTIVITY,
      stream: 'control',
      number: 2,
      operation: 'closeAllParticipants',
      code: 'NotEnabled',
      waitsFor: ['p'],
      waitsForOmitted: 0,
    },
  ],
  waitingOmitted: 0,
  peers: [],
  evidence: [],
  evidenceBeyondLimit: 0,
  ...over,
});

export const request = (over: Partial<Extract<TimelineLine, { kind: 'request' }>> = {}): TimelineLine => ({
  kind: 'request',
  position: 1,
  message: 'CreateCoordinationContext',
  signer: PEOPLE.agency,
  stream: 'create',
  number: 1,
  certifiedBy: [1, 2, 3],
  control: false,
  waiting: false,
  ...over,
});

export interface Said {
  readonly status?: Partial<ReplicaStatus>;
  readonly activities?: readonly ActivitySummary[];
  readonly timeline?: readonly TimelineLine[];
}

/** What replica `id` answered. */
export function answer(
  id: number,
  { status: over = {}, activities = [activity()], timeline = [request()] }: Said = {},
): ReplicaReading {
  const reports = new Map(activities.map((one) => [one.id, { ...one, replica: id, timeline }]));
  return { id, heard: { kind: 'answer', status: status(id, over), activities, reports } };
}

export const silent = (id: number): ReplicaReading => ({ id, heard: { kind: 'silent', why: 'Nothing runs at its address.' } });
