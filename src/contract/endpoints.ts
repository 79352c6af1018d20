import type { Epr } from '../soap/messages/index.js';
import { type Endpoint, encodeReplicas } from '../soap/messages/index.js';
import type { XmlElement } from '../soap/xml.js';

/** The endpoints that every replica serves, each at its path below the replica's base URL. */
export const SERVED = ['activation', 'registration', 'coordinator', 'completion'] as const satisfies readonly Endpoint[];
export type ServedEndpoint = (typeof SERVED)[number];

export const pathOf = (endpoint: ServedEndpoint): string => `/${endpoint}`;
export const urlOf = (base: string, endpoint: ServedEndpoint): string => withoutSlash(base) + pathOf(endpoint);

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

/** Where a cluster is reached: its logical address and its replicas' base URLs, in order of their numbers. */
export interface ClusterAddresses {
  readonly logical: string;
  readonly replicas: readonly string[];
}

/** The same at every replica: the logical address, and the replicas' own URLs in c:Replicas. */
export const endpointReference = (
  addresses: ClusterAddresses,
  endpoint: ServedEndpoint,
  referenceParameters: readonly XmlElement[],
): Epr => ({
  address: urlOf(addresses.logical, endpoint),
  referenceParameters,
  extensions: [encodeReplicas({ urls: addresses.replicas.map((base) => urlOf(base, endpoint)) })],
});

/** Whether wsa:To names that endpoint of the cluster, by its logical address or by any replica's URL. */
export function isAddressedTo(addresses: ClusterAddresses, to: string, endpoint: ServedEndpoint): boolean {
  const target = withoutSlash(to);
  return [addresses.logical, ...addresses.replicas].some(
    (base) => target === withoutSlash(base) || target === urlOf(base, endpoint),
  );
}
