import { isIP } from 'node:net';
import { ConcordatError } from '../errors.js';
import type { ReplicaEntry } from './cluster.js';
import { freePorts } from './ports.js';

/** Where the replicas of a new cluster serve: all on one host, or each on a machine of its own. */
export interface PlacementOptions {
  /** The one host of all replicas; 127.0.0.1 by default. */
  readonly host?: string;
  /** On one host: SOAP takes n ports from here, the peer links the next n. Without it, ports that are free now are taken. */
  readonly basePort?: number;
  /** A machine for each replica, in the order of their ids: a host name in lower case or an IP address. */
  readonly hosts?: readonly string[];
  /** With hosts, the SOAP port of each machine; 8080 by default. */
  readonly port?: number;
  /** With hosts, the port of each machine for peers and operators; 8443 by default. */
  readonly peerPort?: number;
  /** Replicas serve HTTPS, with their own certificates. */
  readonly https?: boolean;
  /** With hosts, the address that each machine binds; 0.0.0.0, all of them, by default. */
  readonly bind?: string;
}

/** Where one replica serves, as cluster.json has it. */
export type Place = Pick<ReplicaEntry, 'url' | 'listen' | 'peer' | 'peerListen'>;

/** Gives the places in the order of the ids; looks for free ports only when it is called. */
export type Placement = () => Promise<readonly Place[]>;

export const DEFAULT_PORT = 8080;
export const DEFAULT_PEER_PORT = 8443;
export const DEFAULT_BIND = '0.0.0.0';

const MAX_PORT = 65_535;

/** Checks the options. @throws ConcordatError Usage */
export function makePlacement(n: number, options: PlacementOptions): Placement {
  return options.hosts === undefined ? onOneHost(n, options) : onMachines(n, options.hosts, options);
}

function onOneHost(n: number, { host = '127.0.0.1', basePort, port, peerPort, bind, https }: PlacementOptions): Placement {
  if (port !== undefined || peerPort !== undefined || bind !== undefined) {
    usage('a port, a peer port and an address to bind go with hosts, one for each replica');
  }
  checkHost(host);
  if (basePort !== undefined && (!Number.isInteger(basePort) || basePort < 1 || basePort + 2 * n - 1 > MAX_PORT)) {
    usage(`the base port must leave room for ${2 * n} ports in 1..${MAX_PORT}`);
  }
  return async () => {
    const ports =
      basePort === undefined ? await freePorts(2 * n, host) : Array.from({ length: 2 * n }, (_, index) => basePort + index);
    return ports.slice(0, n).map((port, index) => ({
      url: baseUrlOf(host, port, https),
      peer: { host, port: ports[n + index] ?? 0 },
    }));
  };
}

function onMachines(n: number, hosts: readonly string[], options: PlacementOptions): Placement {
  const { port = DEFAULT_PORT, peerPort = DEFAULT_PEER_PORT, bind = DEFAULT_BIND } = options;
  if (options.host !== undefined || options.basePort !== undefined) usage('host and base port do not go with hosts');
  if (hosts.length !== n) usage(`${n} replicas need ${n} hosts, not ${hosts.length}`);
  [...hosts, bind].forEach(checkHost);
  const twice = hosts.find((host, index) => hosts.indexOf(host) < index);
  if (twice !== undefined) usage(`host ${twice} is named twice: each replica needs a machine of its own`);
  for (const number of [port, peerPort]) {
    if (!Number.isInteger(number) || number < 1 || number > MAX_PORT) usage(`a port must be 1..${MAX_PORT}`);
  }
  if (port === peerPort) usage(`SOAP and the peers cannot both have port ${port}`);
  const places = hosts.map((host) => ({
    url: baseUrlOf(host, port, options.https),
    listen: { host: bind, port },
    peer: { host, port: peerPort },
    peerListen: { host: bind, port: peerPort },
  }));
  return () => Promise.resolve(places);
}

const inUrl = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host);

/** The origin, which leaves out the default port. */
const baseUrlOf = (host: string, port: number, https = false): string =>
  new URL(`${https ? 'https' : 'http'}://${inUrl(host)}:${port}`).origin;

const HOST_NAME = /^[a-z0-9.:-]{1,253}$/;

/** A host as URLs write it (WHATWG URL): it must come back unchanged, because addresses are compared as text. */
function checkHost(host: string): void {
  const text = `http://${inUrl(host)}`;
  if (HOST_NAME.test(host) && URL.canParse(text) && new URL(text).origin === text) return;
  usage(`"${host}" is not a host name in lower case or an IP address in its usual form`);
}

function usage(detail: string): never {
  throw new ConcordatError('Usage', detail);
}
