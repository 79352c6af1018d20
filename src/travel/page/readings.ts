import type { ActivityReport, ActivitySummary, ReplicaStatus } from '../../replica/index.js';
import type { ProviderRole } from '../catalog.js';
import type { Reservation, StockItem } from '../inventory.js';

/** What was last heard from one replica: its whole answer or why there is none. Nothing of an earlier answer is kept. */
export interface ReplicaReading {
  readonly id: number;
  readonly heard:
    | { readonly kind: 'asking' }
    | { readonly kind: 'silent'; readonly why: string }
    | {
        readonly kind: 'answer';
        readonly status: ReplicaStatus;
        /** The newest first. */
        readonly activities: readonly ActivitySummary[];
        /** In full: those that somebody looks at. */
        readonly reports: ReadonlyMap<string, ActivityReport>;
      };
}

/** What was last heard from a provider's desk: its own books, or why there is no answer. */
export interface DeskReading {
  readonly role: ProviderRole;
  readonly heard:
    | { readonly kind: 'asking' }
    | { readonly kind: 'silent'; readonly why: string }
    | { readonly kind: 'answer'; readonly stock: readonly StockItem[]; readonly reservations: readonly Reservation[] };
}

/** A replica that answered. */
export type Answering = Extract<ReplicaReading['heard'], { kind: 'answer' }> & { readonly id: number };

export const answering = (readings: readonly ReplicaReading[]): readonly Answering[] =>
  readings.flatMap(({ id, heard }) => (heard.kind === 'answer' ? [{ ...heard, id }] : []));
