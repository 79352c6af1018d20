import { BlockList, isIP } from 'node:net';

/** Addresses of a kind that needs a decision of its own. */
interface SpecialNetwork {
  readonly kind: string;
  /** Whether a development cluster may send there. */
  readonly development: boolean;
  readonly networks: readonly string[];
}

/**
 * Where nothing is sent to (IANA special-purpose address registries, RFC 6890), whatever the allow-list says: what is behind
 * these is the machine itself, its link, its cloud's metadata service, or everybody.
 */
export const SPECIAL_NETWORKS: readonly SpecialNetwork[] = [
  { kind: 'loopback', development: true, networks: ['127.0.0.0/8', '::1/128'] },
  { kind: 'unspecified', development: false, networks: ['0.0.0.0/8', '::/128'] },
  // Metadata services: most clouds, AWS over IPv6, Alibaba, Azure, Oracle.
  {
    kind: 'metadata',
    development: false,
    networks: ['169.254.169.254/32', 'fd00:ec2::254/128', '100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32'],
  },
  { kind: 'link-local', development: true, networks: ['169.254.0.0/16', 'fe80::/10'] },
  { kind: 'multicast', development: false, networks: ['224.0.0.0/4', 'ff00::/8'] },
  { kind: 'broadcast or reserved', development: false, networks: ['240.0.0.0/4', '100::/64', 'fec0::/10'] },
];

const compiled = SPECIAL_NETWORKS.map(({ kind, development, networks }) => {
  const list = new BlockList();
  for (const network of networks) {
    addNetwork(list, network);
    for (const translated of translations(network)) addNetwork(list, translated);
  }
  return { kind, development, list };
});

/** What kind of forbidden address it is; undefined if it may be sent to. IPv4 inside IPv6 counts as the IPv4 address. */
export function forbiddenKind(address: string, development: boolean): string | undefined {
  return compiled.find((special) => includes(special.list, address) && !(development && special.development))?.kind;
}

/** Adds `10.0.0.0/8`, `2001:db8::/32` or one address. @returns false if it is none of these */
export function addNetwork(list: BlockList, network: string): boolean {
  const [address = '', length, ...more] = network.split('/');
  const version = isIP(address);
  const bits = version === 4 ? 32 : 128;
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : Infinity;
  if (version === 0 || more.length > 0 || prefix > bits) return false;
  list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  return true;
}

/** Whether an IP address lies in one of the networks; IPv4-mapped IPv6 addresses count as IPv4. */
export const includes = (list: BlockList, address: string): boolean => list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');

/** The same IPv4 network as NAT64 (RFC 6052) and 6to4 (RFC 3056) reach it. */
function translations(network: string): string[] {
  const [address = '', length = ''] = network.split('/');
  if (isIP(address) !== 4) return [];
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const high = (a * 256 + b).toString(16);
  const low = (c * 256 + d).toString(16);
  const prefix = Number(length);
  return [`64:ff9b::${high}:${low}/${96 + prefix}`, `2002:${high}:${low}::/${16 + prefix}`];
}
