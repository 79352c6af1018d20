import type { Protocol } from '../../src/client/index.js';
import type { Random } from '../support/random.js';

/** What an honest participant does with its work. */
export const BEHAVIOURS = ['completes', 'exits', 'cannot complete', 'fails', 'idles', 'cannot undo'] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

export interface InvitePlan {
  readonly provider: number;
  readonly matchcode: string;
  /** Whether the invitation names the provider. */
  readonly reserved: boolean;
  readonly protocol: Protocol;
  readonly behaviour: Behaviour;
  readonly workMs: number;
  /** How long its invitation is on its way. */
  readonly joinsAfterMs: number;
}

export interface ActivityPlan {
  readonly name: string;
  readonly outcome: 'atomic' | 'mixed';
  readonly startMs: number;
  readonly invites: readonly InvitePlan[];
  readonly decision: 'close' | 'cancel';
  /** How long the initiator waits for everybody before it cancels. */
  readonly patienceMs: number;
  readonly inner?: ActivityPlan;
}

export interface Scenario {
  readonly n: number;
  readonly agencies: number;
  readonly providers: number;
  /** Activities of each agency. */
  readonly activities: readonly (readonly ActivityPlan[])[];
  readonly real: boolean;
}

/** How many take part in an activity, by chance. */
const GUESTS = [1, 2, 3, 3, 3, 3, 3, 4] as const;

/** How many of a thousand schedules run on real keys and real XML. */
const REAL_PER_MILLE = 7;

export function drawScenario(random: Random): Scenario {
  const real = random.below(1_000) < REAL_PER_MILLE;
  const n = !real && random.chance(0.08) ? 7 : 4;
  const agencies = random.chance(0.5) ? 1 : 2;
  const providers = 2 + random.below(2);
  const count = real || n === 7 ? 1 : 2;
  const activities = Array.from({ length: agencies }, (): ActivityPlan[] => []);
  for (let i = 0; i < count; i++) activities[i % agencies]?.push(drawActivity(random, `trip ${i + 1}`, providers, real));
  return { n, agencies, providers, activities, real };
}

function drawActivity(random: Random, name: string, providers: number, small: boolean, inside = false): ActivityPlan {
  const mixed = !inside && random.chance(0.2);
  const guests = small ? 1 + random.below(2) : inside ? 1 : random.pick(GUESTS);
  return {
    name,
    outcome: mixed ? 'mixed' : 'atomic',
    startMs: random.below(150),
    invites: Array.from({ length: guests }, (_, i) => drawInvite(random, `${name} ${i + 1}`, providers)),
    decision: random.chance(0.75) ? 'close' : 'cancel',
    patienceMs: 1_500 + random.below(2_500),
    ...(!inside && !mixed && !small && random.chance(0.1)
      ? { inner: drawActivity(random, `${name}, inner`, providers, true, true) }
      : {}),
  };
}

function drawInvite(random: Random, matchcode: string, providers: number): InvitePlan {
  return {
    provider: random.below(providers),
    matchcode,
    reserved: random.chance(0.5),
    protocol: random.chance(0.7) ? 'ParticipantCompletion' : 'CoordinatorCompletion',
    behaviour: random.chance(0.7) ? 'completes' : random.pick(BEHAVIOURS),
    workMs: random.below(300),
    joinsAfterMs: random.chance(0.1) ? 2_500 : random.below(100),
  };
}
