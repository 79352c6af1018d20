import type { ReplicaId } from '../../src/bft/index.js';
import type { Outcome } from '../../src/wsba/index.js';
import type { Guest, Matchcode, Slot } from './names.js';

export interface ModelActivity {
  readonly outcome: Outcome;
  readonly honest: boolean;
  /** Invitations that were sent, the first by each matchcode. */
  readonly invited: Map<Matchcode, Invited>;
  /** Whether something was ordered that may settle the activity: what is ordered after it may be refused. */
  decided: boolean;
  /** Who asked to take part, and whether it is honest. */
  readonly joined: Map<Guest, { readonly honest: boolean }>;
}

export interface Invited {
  /** Whom alone it is meant for. */
  readonly guest: Guest | undefined;
  /** No decision came before it that would make it void, so who uses it will be registered. */
  readonly certain: boolean;
}

/** What the script has done so far: enough to say which command makes sense next. */
export interface Model {
  readonly activities: Map<Slot, ModelActivity>;
  /** The replica that is down: one at the most. */
  down: ReplicaId | undefined;
}

export const emptyModel = (): Model => ({ activities: new Map(), down: undefined });
