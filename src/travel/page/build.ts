import type { LoadedCluster } from '../../config/index.js';
import type { EvidenceReport } from '../../replica/index.js';
import type { Booking } from '../bookings.js';
import type { ProviderRole } from '../catalog.js';
import { PROVIDER_ROLES, PROVIDERS } from '../catalog.js';
import { convicts } from '../evidence.js';
import { TRAVEL_LIMITS } from '../limits.js';
import type { Comparison } from './agree.js';
import { agreedActivity, compareStates, mergeTimelines } from './agree.js';
import type { Answering, DeskReading, ReplicaReading } from './readings.js';
import { answering } from './readings.js';
import type { TripFacts } from './story.js';
import { isFull, reservationStanding, tellProof, tellQuorum, tellTrip, tripStanding } from './story.js';
import { timelineLines } from './timeline.js';
import type { Happening, PageView, ProofView, ProviderView, ReplicaView, TimelineView, Tone, TripView } from './view.js';
import type { People } from './words.js';
import { capital, count, itemLabel, replicasInWords, streamInWords } from './words.js';

/** Everything that a view is made of, as it was last heard. */
export interface Heard {
  readonly replicas: readonly ReplicaReading[];
  readonly desks: readonly DeskReading[];
  /** The agency's own book, newest first. */
  readonly bookings: readonly Booking[];
}

export interface Frame {
  readonly cluster: LoadedCluster;
  readonly people: People;
  readonly controls: PageView['controls'];
}

/**
 * The whole page out of what was heard.
 * @param chosen the activity whose timeline is shown; the newest without one
 */
export function buildView(frame: Frame, heard: Heard, chosen?: string): PageView {
  const { n, f } = frame.cluster;
  const up = answering(heard.replicas);
  const ids = up.map(({ id }) => id);
  const quorum = n - f;
  const trips = heard.bookings.slice(0, TRAVEL_LIMITS.shownTrips).map((booking) => tripFacts(heard, up, booking, f + 1, quorum));
  const replicas = replicaViews(frame, heard.replicas);
  const providers = heard.desks.map(providerView);
  const asking = heard.replicas.some(({ heard: { kind } }) => kind === 'asking');
  const quorumStory = asking ? { tone: 'busy' as const, says: 'Asking the replicas.' } : tellQuorum(ids, n, quorum);
  const timeline = timelineView(frame, heard, up, chosenActivity(heard.bookings, chosen));
  return {
    cluster: { answering: ids.length, n, quorum, ...quorumStory },
    controls: frame.controls,
    choices: PROVIDER_ROLES.map((role) => ({
      role,
      label: role === 'airline' ? 'Flight' : 'Hotel',
      items: PROVIDERS[role].items.map(({ item, label }) => ({ item, label })),
    })),
    happened: [...happeningNow(frame, replicas, up, providers), ...trips.map(happeningOf)],
    trips: trips.map((facts) => tripView(facts, heard.desks)),
    providers,
    replicas,
    ...(timeline === undefined ? {} : { timeline }),
  };
}

// --- trips ------------------------------------------------------------------------------------------------------------------

function tripFacts(heard: Heard, up: readonly Answering[], booking: Booking, needed: number, quorum: number): TripFacts {
  const { activity } = booking;
  const reservations = Object.fromEntries(
    heard.desks.flatMap(({ role, heard: desk }) => {
      const mine = desk.kind === 'answer' ? desk.reservations.find((candidate) => candidate.activity === activity) : undefined;
      return mine === undefined ? [] : [[role, mine]];
    }),
  );
  return {
    booking,
    activity: activity === undefined ? undefined : agreedActivity(up, activity, needed),
    reservations,
    canDecide: up.length >= quorum,
  };
}

const happeningOf = (facts: TripFacts): Happening => {
  const story = tellTrip(facts);
  const at = facts.activity === undefined ? {} : { at: facts.activity.created };
  return { id: `${facts.booking.id} ${story.title} ${story.text}`, ...story, ...at };
};

function tripView(facts: TripFacts, desks: readonly DeskReading[]): TripView {
  const { booking, reservations } = facts;
  const silent = (role: ProviderRole): boolean => desks.some((desk) => desk.role === role && desk.heard.kind === 'silent');
  return {
    booking: booking.id,
    ...(booking.activity === undefined ? {} : { activity: booking.activity }),
    customer: booking.customer,
    flight: itemLabel('airline', booking.items.airline),
    room: itemLabel('hotel', booking.items.hotel),
    coordinator: tripStanding(facts),
    airline: reservationStanding(reservations.airline, silent('airline')),
    hotel: reservationStanding(reservations.hotel, silent('hotel')),
  };
}

/** Only an activity of the agency's own book can be chosen. */
export const chosenActivity = (bookings: readonly Booking[], chosen?: string): Booking | undefined =>
  bookings.find(({ activity }) => activity !== undefined && activity === chosen) ??
  bookings.find(({ activity }) => activity !== undefined);

function timelineView(
  frame: Frame,
  heard: Heard,
  up: readonly Answering[],
  booking: Booking | undefined,
): TimelineView | undefined {
  if (booking?.activity === undefined) return undefined;
  const { cluster, people } = frame;
  const merged = mergeTimelines(up, booking.activity, cluster.f + 1);
  const ids = heard.replicas.map(({ id }) => id);
  const { customer, items } = booking;
  return {
    activity: booking.activity,
    title: `${customer}: ${itemLabel('airline', items.airline)}, ${itemLabel('hotel', items.hotel)}`,
    lines: timelineLines(merged, ids, people, cluster.f + 1),
    omitted: Math.max(0, merged.length - TRAVEL_LIMITS.shownLines),
  };
}

// --- the facts of this moment -----------------------------------------------------------------------------------------------

function happeningNow(
  frame: Frame,
  replicas: readonly ReplicaView[],
  up: readonly Answering[],
  providers: readonly ProviderView[],
): Happening[] {
  const found: Happening[] = [];
  const add = (tone: Tone, title: string, text: string): void => void found.push({ id: `${title} ${text}`, tone, title, text });
  for (const { id, proofs } of replicas) {
    const [proof] = proofs;
    if (proof === undefined) continue;
    const text = `${proof.says} ${proof.shownBy}. Nobody acts on the word of one replica alone.`;
    add('bad', `Replica ${id} was caught lying`, text);
  }
  const enough = up.length >= frame.cluster.n - frame.cluster.f;
  const others = enough ? 'The others go on without it;' : 'Too few are left to go on;';
  for (const { id, error, says } of replicas) {
    if (error !== undefined) add('warn', `Replica ${id} does not answer`, `${error} ${others} it catches up when it is back.`);
    else if (says === SAYS.differs.says)
      add('bad', `Replica ${id} shows another state`, 'At an equal position it shows a state that the others do not have.');
  }
  for (const { role, name, error, full } of providers) {
    if (error !== undefined)
      add('warn', `${name} cannot be reached`, `Its desk gives no answer (${error}). Its part of a trip waits until it is back.`);
    else if (full)
      add(
        'warn',
        `${name} is full`,
        `Its own book has nothing left. A trip that needs the ${role} now is undone as a whole: no half trips.`,
      );
  }
  const same = up.filter(({ id }) => replicas.some((replica) => replica.id === id && replica.says === SAYS.same.says));
  const [one] = same;
  if (one !== undefined && same.length === frame.cluster.n)
    add('good', 'All replicas agree', `All ${same.length} hold the same state after ${count(one.status.deliveries, 'request')}.`);
  return found;
}

// --- providers ---------------------------------------------------------------------------------------------------------------

function providerView({ role, heard }: DeskReading): ProviderView {
  const name = role === 'airline' ? 'The airline' : 'The hotel';
  if (heard.kind !== 'answer') {
    return { role, name, full: false, items: [], ...(heard.kind === 'silent' ? { error: heard.why } : {}) };
  }
  return {
    role,
    name,
    full: isFull(heard.stock),
    items: heard.stock.map(({ item, stock, capacity }) => ({ label: itemLabel(role, item), stock, taken: capacity - stock })),
  };
}

// --- replicas ----------------------------------------------------------------------------------------------------------------

const SAYS: Readonly<Record<Comparison, { readonly tone: Tone; readonly says: string }>> = {
  same: { tone: 'good', says: 'Same state as the others' },
  behind: { tone: 'busy', says: 'Behind the others' },
  ahead: { tone: 'busy', says: 'Ahead of the others' },
  differs: { tone: 'bad', says: 'Differs from the others' },
  alone: { tone: 'quiet', says: 'Nobody to compare with' },
};

function replicaViews(frame: Frame, readings: readonly ReplicaReading[]): ReplicaView[] {
  const up = answering(readings);
  const comparison = compareStates(up, frame.cluster.f + 1);
  const digests = [...new Set(up.map(({ status }) => `${status.positions} ${status.state}`))];
  return readings.map(({ id, heard }) => {
    const proofs = proofsAgainst(frame, id, up);
    const shared = { id, proofs, commands: commandsFor(id) };
    if (heard.kind === 'asking') return { ...shared, up: false, tone: 'quiet', says: 'Asking', facts: [], links: [] };
    if (heard.kind === 'silent')
      return { ...shared, up: false, tone: 'bad', says: 'Does not answer', error: heard.why, facts: [], links: [] };
    const { status } = heard;
    const { says, tone } = SAYS[comparison.get(id) ?? 'alone'];
    return {
      ...shared,
      up: true,
      tone,
      says,
      facts: [
        { name: 'Requests delivered', value: String(status.deliveries) },
        { name: 'Activities', value: `${status.activities.total}, ${status.activities.open} open` },
        { name: 'Waiting commands', value: String(status.commands) },
      ],
      digest: { text: status.state.slice(0, 12), group: digests.indexOf(`${status.positions} ${status.state}`) },
      links: status.peers.map(({ replica, connected }) => ({ replica, connected })),
    };
  });
}

/** Proofs that hold by themselves: their two signatures were checked here, so whoever reports them need not be believed. */
function proofsAgainst({ cluster, people }: Frame, id: number, up: readonly Answering[]): ProofView[] {
  const proofs = new Map<string, { report: EvidenceReport; by: Set<number> }>();
  for (const { id: witness, status } of up) {
    for (const report of status.evidence.slice(0, TRAVEL_LIMITS.readProofs).filter(({ who }) => who === `replica ${id}`)) {
      const place = `${report.stream} ${report.number}`;
      const known = proofs.get(place);
      if (known !== undefined) known.by.add(witness);
      else if (proofs.size < TRAVEL_LIMITS.shownProofs && convicts(report, id, cluster))
        proofs.set(place, { report, by: new Set([witness]) });
    }
  }
  return [...proofs.values()].map(({ report, by }) => ({
    says: tellProof(id),
    position: report.number,
    stream: report.stream,
    whose: streamInWords(report.stream, people),
    shownBy: `${capital(replicasInWords([...by].sort((a, b) => a - b)))} ${by.size === 1 ? 'has' : 'have'} both, and both signatures hold`,
    statements: report.statements.map(({ says, signed }) => ({ says, signed: signed.slice(0, TRAVEL_LIMITS.shownStatement) })),
  }));
}

const commandsFor = (id: number): string[] =>
  ['kill', 'pause', 'unpause', 'start'].map((command) => `docker compose ${command} replica${id}`);
