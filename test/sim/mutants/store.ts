import type { ReplicaStorage } from '../../../src/replica/ports.js';
import type { StoreRecord } from '../../../src/store/index.js';
import type { Tamper } from '../replica-node.js';
import type { Mutant } from './mutant.js';

/** A store that does some things otherwise. */
const storing =
  (otherwise: (real: ReplicaStorage) => Partial<ReplicaStorage>): Tamper =>
  (ports) => ({
    ...ports,
    openStore: (path, options) => {
      const real = ports.openStore(path, options);
      const changes: Partial<ReplicaStorage> = otherwise(real);
      return new Proxy(real, {
        get: (target, name): unknown => Reflect.get(Object.hasOwn(changes, name) ? changes : target, name),
      });
    },
  });

const writing = (change: (record: StoreRecord) => readonly StoreRecord[]): Tamper =>
  storing((real) => ({ append: (batch) => real.append(batch.flatMap(change)) }));

/** Replicas that do not keep what they must keep, or do not believe what they kept. */
export const STORE_MUTANTS: readonly Mutant[] = [
  {
    name: 'votes-not-persisted',
    about: 'votes are sent without having been written down',
    replica: writing((record) => (record.type === 'vote' ? [] : [record])),
  },
  {
    name: 'votes-after-lost-disk',
    about: 'a replica that has lost its disk votes on what is older than its return',
    replica: writing((record) => [record.type === 'recovery' ? { ...record, votesFrom: 0 } : record]),
  },
  {
    name: 'cursor-ahead',
    about: 'a replica takes itself to have followed its peers further than it has',
    replica: storing((real) => ({
      cursor: (peer) => {
        const cursor = real.cursor(peer);
        return cursor && { ...cursor, position: cursor.position + 4 };
      },
    })),
  },
];
