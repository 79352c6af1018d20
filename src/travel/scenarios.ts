import { readFileSync } from 'node:fs';
import { isOver } from './bookings.js';
import { PROVIDER_ROLES } from './catalog.js';
import { convicts } from './evidence.js';
import { DemoFailure } from './failure.js';
import type { Stage } from './stage.js';
import { PROGRAMS, replicaName } from './stage.js';
import { until } from './until.js';
import type { Outcome, Standing, Witness } from './witness.js';
import { describeStanding, outcomeOf } from './witness.js';

export interface ScenarioContext {
  readonly stage: Stage;
  readonly witness: Witness;
  /** Prints one line of progress. */
  readonly say: (line: string) => void;
}

export interface Scenario {
  readonly name: string;
  /** Resolves with what it came to, in a word or two. @throws DemoFailure if anything is not as it must be */
  run(context: ScenarioContext): Promise<string>;
}

/** How closely a scenario watches for the moment at which it strikes. */
const STRIKE_MS = 3;
const KILLED = 2;
const LIAR = 3;

let count = 0;
/** A booking's id that no earlier run in the same directory had. */
const newId = (scenario: string): string => `${scenario}-${Date.now().toString(36)}-${(count += 1)}`;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'both-available',
    run: async (context) => {
      const id = await book(context, 'both-available', 'Ada');
      return settle(context, id, 'closed');
    },
  },
  {
    name: 'hotel-full',
    run: (context) =>
      withFullHotel(context, async () => {
        const id = await book(context, 'hotel-full', 'Ben');
        const outcome = await settle(context, id, 'undone');
        expectState('airline', context.witness.standing(id), 'released');
        expectState('hotel', context.witness.standing(id), 'refused');
        return outcome;
      }),
  },
  {
    name: 'replica-killed',
    run: async (context) => {
      const { stage, say } = context;
      const id = await book(context, 'replica-killed', 'Cleo');
      const standing = await strikeWhen(context, id, 'the airline takes part', ({ airline }) => airline !== undefined);
      await stage.killReplica(KILLED);
      say(`killed replica ${KILLED} (${describeStanding(standing)})`);
      await overIs(context, id, 'closed');
      say('booked all the same; starting it again');
      await stage.startReplica(KILLED);
      return settle(context, id, 'closed');
    },
  },
  { name: 'replica-lying', run: (context) => lyingReplica(context) },
  {
    name: 'agency-killed',
    run: async (context) => {
      const { stage, witness, say } = context;
      await stage.part('agency').stop();
      await stage.startAgency(PROGRAMS.agencyCutShort);
      const id = await book(context, 'agency-killed', 'Fay');
      const how = await stage.part('agency').exited;
      if (how !== 'SIGKILL') throw wrong(`the agency should have been killed, but stopped with ${how}`);
      const standing = witness.standing(id);
      say(`the agency was killed when its close had gone to replica 1 only (${describeStanding(standing)})`);
      if (standing.booking?.state !== 'closing') throw wrong(`its books should say closing: ${describeStanding(standing)}`);
      await stage.startAgency();
      return settle(context, id, 'closed');
    },
  },
  {
    name: 'all-killed',
    run: async (context) => {
      const { stage, say } = context;
      const id = await book(context, 'all-killed', 'Gus');
      const standing = await strikeWhen(context, id, 'both hold it', ({ airline, hotel }) => isTaken(airline) && isTaken(hotel));
      await Promise.all(stage.replicaIds.map((replica) => stage.killReplica(replica)));
      say(`killed all replicas (${describeStanding(standing)})`);
      await Promise.all(stage.replicaIds.map((replica) => stage.startReplica(replica)));
      return settle(context, id, 'closed');
    },
  },
];

const isTaken = (state: string | undefined): boolean => state === 'held' || state === 'confirmed';

// --- the replica that lies ----------------------------------------------------------------------------------------------

async function lyingReplica(context: ScenarioContext): Promise<string> {
  const { stage, say } = context;
  await stage.stopReplica(LIAR);
  await stage.startReplica(LIAR, PROGRAMS.lyingReplica);
  say(`replica ${LIAR} lies from now on: to the agency, to the airline and the hotel, and to its peers`);
  const booked = await book(context, 'replica-lying', 'Dan');
  await overIs(context, booked, 'closed');
  say('booked; now with a full hotel');
  await withFullHotel(context, async () => overIs(context, await book(context, 'replica-lying', 'Eve'), 'undone'));
  await until(`evidence against replica ${LIAR}`, async () => {
    const { evidence } = await stage.status();
    return evidence.some((report) => convicts(report, LIAR, stage.cluster)) ? true : undefined;
  });
  checkLies(stage);
  say(`replica ${LIAR} is caught: two contradicting votes, both with its signature`);
  await stage.stopReplica(LIAR);
  await stage.startReplica(LIAR);
  await settle(context, booked, 'closed');
  return 'closed, liar named';
}

/** The test is worth something only if lies of all three kinds were told. */
function checkLies(stage: Stage): void {
  const log = readFileSync(stage.logOf(replicaName(LIAR)), 'utf8');
  for (const lie of ['reply', 'command', 'echo']) {
    if (!log.includes(`"lie":"${lie}"`)) throw wrong(`replica ${LIAR} told no lie of the kind "${lie}"`);
  }
}

// --- steps --------------------------------------------------------------------------------------------------------------

async function book({ stage, say }: ScenarioContext, scenario: string, customer: string): Promise<string> {
  const id = newId(scenario);
  await stage.book(id, customer);
  say(`${customer} books`);
  return id;
}

/** Runs something while the hotel has no room left, and gives it its rooms back. */
async function withFullHotel<T>({ stage, witness, say }: ScenarioContext, run: () => Promise<T>): Promise<T> {
  const { item, stock } = witness.stock('hotel');
  const { stock: seats } = witness.stock('airline');
  await stage.setStock('hotel', item, 0);
  say('the hotel is full');
  const result = await run();
  if (witness.stock('airline').stock !== seats) throw wrong('the seat is not back in stock');
  say('the seat is back in stock');
  await stage.setStock('hotel', item, stock);
  return result;
}

/** Waits for the moment to strike, which must come before the booking is over. */
async function strikeWhen(
  { witness }: ScenarioContext,
  id: string,
  what: string,
  when: (standing: Standing) => boolean,
): Promise<Standing> {
  const standing = await until(
    what,
    () => {
      const now = witness.standing(id);
      return when(now) ? now : undefined;
    },
    { everyMs: STRIKE_MS, explain: () => describeStanding(witness.standing(id)) },
  );
  if (standing.booking === undefined || isOver(standing.booking))
    throw wrong('the booking was over before it could be disturbed');
  return standing;
}

/** Waits until the agency's books say that it is over, and checks that everybody's books say what is expected. */
async function overIs({ witness }: ScenarioContext, id: string, expected: Outcome): Promise<Outcome> {
  const explain = (): string => describeStanding(witness.standing(id));
  const standing = await until(
    'the end of the booking',
    () => {
      const now = witness.standing(id);
      return now.booking !== undefined && isOver(now.booking) ? now : undefined;
    },
    { explain },
  );
  const outcome = outcomeOf(standing);
  const agency = expected === 'closed' ? 'booked' : 'undone';
  if (outcome !== expected || standing.booking?.state !== agency)
    throw wrong(`expected ${expected}: ${describeStanding(standing)}`);
  for (const role of PROVIDER_ROLES) witness.stock(role);
  return outcome;
}

/** The same, and all replicas came to the same state. */
async function settle(context: ScenarioContext, id: string, expected: Outcome): Promise<Outcome> {
  const outcome = await overIs(context, id, expected);
  await replicasAgree(context);
  return outcome;
}

/** Waits until all replicas are equally far and nothing is open; at every look what they share must be the same. */
async function replicasAgree({ stage, say }: ScenarioContext): Promise<void> {
  let last = '';
  const deliveries = await until(
    'agreement of all replicas',
    async () => {
      const { agree, contradictions, replicas } = await stage.status();
      if (!agree) throw wrong(contradictions.join('; '));
      const statuses = replicas.flatMap((replica) => (replica.up ? [replica.status] : []));
      last = replicas
        .map((replica) =>
          replica.up
            ? `${replica.id}: ${replica.status.deliveries}, ${replica.status.activities.open} open`
            : `${replica.id}: down`,
        )
        .join('; ');
      const equal = new Set(statuses.map(({ positions, state }) => `${positions} ${state}`)).size === 1;
      const idle = statuses.every(({ activities }) => activities.open === 0);
      return statuses.length === replicas.length && equal && idle ? statuses[0]?.deliveries : undefined;
    },
    { explain: () => last },
  );
  say(`all replicas hold the same state after ${deliveries} requests`);
}

function expectState(role: 'airline' | 'hotel', standing: Standing, state: string): void {
  if (standing[role] !== state) throw wrong(`the ${role}'s reservation should be ${state}: ${describeStanding(standing)}`);
}

const wrong = (detail: string): DemoFailure => new DemoFailure(detail);
