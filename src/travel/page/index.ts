import { ownIdentity } from '../../client/index.js';
import type { KeyPair, LoadedCluster } from '../../config/index.js';
import type { Logger } from '../../log.js';
import type { Agency } from '../agency.js';
import { readOrder } from '../agency.js';
import type { Partner } from '../booking-run.js';
import type { ProviderRole } from '../catalog.js';
import { PROVIDER_ROLES } from '../catalog.js';
import { controlsOfParent } from './controls.js';
import { DeskReader } from './desk-reader.js';
import { askReplica, ReplicaReader } from './replica-reader.js';
import { openPageServer } from './server.js';
import { Watch } from './watch.js';

export interface PageOptions {
  readonly host: string;
  readonly port: number;
  readonly names: readonly string[];
  readonly cluster: LoadedCluster;
  /** The agency's own; its certificate must make it an operator, too. */
  readonly credentials: KeyPair;
  readonly agency: Pick<Agency, 'book' | 'latest'>;
  readonly partners: Readonly<Record<ProviderRole, Pick<Partner, 'writer'>>>;
  /** Where the providers' people work. */
  readonly desks: Readonly<Record<ProviderRole, string>>;
  readonly log: Logger;
}

export interface Page {
  readonly url: string;
  close(): Promise<void>;
}

/** The agency's web page. @throws ConcordatError PortInUse */
export async function openPage(options: PageOptions): Promise<Page> {
  const { cluster, credentials, agency, partners } = options;
  const controls = controlsOfParent();
  const people = {
    agency: ownIdentity(credentials).writer,
    airline: partners.airline.writer,
    hotel: partners.hotel.writer,
  };
  const desks = PROVIDER_ROLES.map((role) => new DeskReader(role, options.desks[role]));
  const watch = new Watch({
    frame: { cluster, people, controls: controls.kind },
    replicas: new Map(
      cluster.replicas.map((replica) => [replica.id, new ReplicaReader(replica.id, askReplica(cluster, replica, credentials))]),
    ),
    desks,
    bookings: (limit) => agency.latest(limit),
  });
  const server = await openPageServer({
    ...options,
    view: watch,
    controls,
    replicas: cluster.replicas.map(({ id }) => id),
    book: (order) => {
      const { id, trip } = readOrder(order);
      return agency.book(id, trip);
    },
    setHotelFull: async (full) => {
      await Promise.all(desks.filter(({ role }) => role === 'hotel').map((desk) => desk.setFull(full)));
    },
  }).catch(async (error: unknown) => {
    await watch.stop();
    throw error;
  });
  return {
    url: server.url,
    close: async () => {
      await server.close();
      await watch.stop();
    },
  };
}
