import { ClientStore } from '../store/index.js';

/** The one place where the client opens its database. @throws ConcordatError StoreInUse, StoreCorrupt */
export const openStore = (path: string): ClientStore => ClientStore.open(path);
export type { ClientStore };
