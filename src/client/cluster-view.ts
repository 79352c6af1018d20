import { Votes } from '../bft/index.js';
import { acceptedFingerprints, type LoadedCluster, voteVerifier } from '../config/index.js';
import type { ClusterAddresses } from '../contract/index.js';
import { urlOf } from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import type { Identity, VerifiedMessage } from '../soap/index.js';
import { is, NS } from '../soap/index.js';
import type { CoordinationContext } from '../soap/messages/index.js';
import { contextFromXml, replicasOf } from '../soap/messages/index.js';

/** Who the replicas of a cluster are, as one client knows it. */
export interface ClusterView {
  readonly n: number;
  readonly f: number;
  readonly addresses: ClusterAddresses;
  /** True if the replica that answers at the i-th URL must be replica i; false if only different signers can be told apart. */
  readonly pinned: boolean;
  /** The number of the replica that signed, 1..n; one vote each. undefined: it is none of this cluster. */
  replicaOf(identity: Identity): number | undefined;
}

/** The view of a client that has the cluster's own cluster.json: replicas by the fingerprints of their certificates. */
export function configuredView(loaded: LoadedCluster): ClusterView {
  const byFingerprint = new Map(
    loaded.replicas.flatMap((replica) => acceptedFingerprints(replica).map((print) => [print, replica.id])),
  );
  return {
    n: loaded.n,
    f: loaded.f,
    addresses: { logical: loaded.config.address, replicas: loaded.replicas.map(({ url }) => url) },
    pinned: true,
    replicaOf: (identity) => byFingerprint.get(identity.fingerprint),
  };
}

/** Checks certificates with the vote keys of `loaded`. */
export function votesOf(loaded: LoadedCluster): Votes {
  return new Votes({ cluster: loaded.config.cluster, n: loaded.n, f: loaded.f, verifier: voteVerifier(loaded) });
}

/**
 * The view of a participant without a cluster.json: the URLs are those that a context names. Whoever wrote the context chooses
 * the cluster, so it must come from somebody trusted with that (see `contextOf`). Who a replica is, is left to the authorities:
 * any certificate with the role replica counts, once for each subject and issuer. So an authority must serve one cluster only,
 * and f is the most that the number of URLs allows.
 * @throws ConcordatError InvalidParameters if the addresses are not those of a cluster
 */
export function contextView(addresses: ClusterAddresses): ClusterView {
  const n = addresses.replicas.length;
  const f = Math.floor((n - 1) / 3);
  if (f < 1)
    throw new ConcordatError('InvalidParameters', `the context names ${n} replicas; fewer than 4 tolerate no faulty one`);
  if (new Set(addresses.replicas).size < n) throw new ConcordatError('InvalidParameters', 'the context names a replica twice');
  const numbers = new Map<string, number>();
  const replicaOf = (identity: Identity): number | undefined => {
    if (!identity.roles.has('replica')) return undefined;
    const known = numbers.get(identity.writer);
    if (known !== undefined || numbers.size >= n) return known;
    numbers.set(identity.writer, numbers.size + 1);
    return numbers.size;
  };
  return { n, f, addresses, pinned: false, replicaOf };
}

/** The context in a message that a business partner sent: signed, and by somebody who may create activities. */
export function contextOf(message: VerifiedMessage): CoordinationContext {
  const [header, ...more] = message.headers.filter((candidate) => is(candidate, NS.wscoor, 'CoordinationContext'));
  if (header === undefined || more.length > 0) {
    throw new ConcordatError('InvalidParameters', 'the message carries not one signed wscoor:CoordinationContext header');
  }
  return contextFromXml(header);
}

/** Where the cluster of a context is reached, from the address and c:Replicas of its registration service. */
export function addressesOf(context: CoordinationContext): ClusterAddresses {
  const { address, extensions } = context.registrationService;
  const replicas = replicasOf(extensions);
  if (replicas === undefined) {
    throw new ConcordatError('InvalidParameters', 'the registration service of the context names no c:Replicas');
  }
  return { logical: baseOf(address), replicas: replicas.urls.map(baseOf) };
}

/** The view for a context that arrived in `message`. @throws ConcordatError NotAuthorized if no initiator signed it */
export function viewFromContext(message: VerifiedMessage): ClusterView {
  if (!message.identity.roles.has('initiator')) {
    throw new ConcordatError(
      'NotAuthorized',
      `${message.identity.name} is not initiator (OU=initiator), so its context names no cluster`,
    );
  }
  return contextView(addressesOf(contextOf(message)));
}

const REGISTRATION = urlOf('', 'registration');

function baseOf(url: string): string {
  if (!url.endsWith(REGISTRATION)) {
    throw new ConcordatError('InvalidParameters', `${url} is not the registration endpoint of a replica`);
  }
  return url.slice(0, -REGISTRATION.length);
}
