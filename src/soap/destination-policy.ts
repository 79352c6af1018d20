import { lookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { ConcordatError } from '../errors.js';
import { addNetwork, forbiddenKind, includes } from './networks.js';

export interface DestinationOptions {
  /**
   * Where messages may be sent; nothing: everywhere but to forbidden networks. Each is a host name (`hotel.example`), a suffix
   * (`*.example`), an address, or a network (`10.1.0.0/16`, `2001:db8::/32`), with a port or a range of ports behind a colon if
   * others are not to be reached; an IPv6 address is then in brackets.
   */
  readonly allow?: readonly string[];
  /** Loopback and link-local addresses are allowed, too. */
  readonly development?: boolean;
}

interface Rule {
  readonly host: { readonly name: string } | { readonly suffix: string } | { readonly network: BlockList };
  readonly ports: { readonly from: number; readonly to: number };
}

/** What a rule of an allow-list must look like, for messages. */
export const DESTINATION_RULE =
  'must be a host name, *.suffix, an address or a network like 10.0.0.0/8, each with :port or :from-to if need be';
const NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
const WITH_PORTS = /^(.*?):(\d{1,5})(?:-(\d{1,5}))?$/;
const ALL_PORTS = { from: 1, to: 65_535 };

/** A lookup that found no address that may be connected to. */
export class DestinationError extends Error {}

/** Where this machine may be made to send messages by whoever names an address: the one place that decides it. */
export class DestinationPolicy {
  private readonly rules: readonly Rule[];
  private readonly development: boolean;

  /** @throws ConfigInvalid for a rule that is none */
  constructor({ allow = [], development = false }: DestinationOptions = {}) {
    this.rules = allow.map(parseRule);
    this.development = development;
  }

  /**
   * Decides by the URL alone; what its host name resolves to is decided when it is connected to.
   * @throws DestinationRefused
   */
  check(url: string): void {
    const reason = this.objection(new URL(url));
    if (reason !== undefined) throw new ConcordatError('DestinationRefused', `${url}: ${reason}`);
  }

  /** Why nothing is sent there; undefined if it may be. */
  objection(url: URL): string | undefined {
    const host = hostOf(url);
    if (isIP(host) !== 0) return this.objectionToAddress(host, url);
    if (!this.development && isLocalName(host)) return 'it is this machine';
    if (this.rules.length === 0 || this.isNamed(host, portOf(url))) return undefined;
    const mayResolve = this.rules.some(({ host: rule, ports }) => 'network' in rule && inRange(ports, portOf(url)));
    return mayResolve ? undefined : 'it is not in the list of allowed destinations';
  }

  /**
   * A lookup for connections to `url`, which finds only addresses that may be connected to. Deciding about the very address that is
   * connected to leaves no time for a name to be bound to another one (DNS rebinding).
   */
  lookupFor(url: URL, resolve: typeof lookup = lookup): LookupFunction {
    return (host, options, callback) => {
      resolve(host, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return callback(error, '', 0);
        const allowed = addresses.filter(({ address }) => this.objectionToAddress(address, url) === undefined);
        const [first] = allowed;
        if (first === undefined) return callback(new DestinationError(this.explain(addresses, url)), '', 0);
        if (options.all === true) callback(null, allowed);
        else callback(null, first.address, first.family);
      });
    };
  }

  private explain(addresses: readonly LookupAddress[], url: URL): string {
    const found = addresses.map(({ address }) => `${address}: ${this.objectionToAddress(address, url) ?? ''}`);
    return `no address of it may be sent to (${found.join('; ')})`;
  }

  private objectionToAddress(address: string, url: URL): string | undefined {
    const kind = forbiddenKind(address, this.development);
    if (kind !== undefined) return `it is a ${kind} address`;
    const port = portOf(url);
    if (this.rules.length === 0 || this.isNamed(hostOf(url), port)) return undefined;
    const listed = this.rules.some(
      ({ host, ports }) => 'network' in host && includes(host.network, address) && inRange(ports, port),
    );
    return listed ? undefined : 'it is not in the list of allowed destinations';
  }

  private isNamed(host: string, port: number): boolean {
    return this.rules.some(({ host: rule, ports }) => {
      if ('network' in rule || !inRange(ports, port)) return false;
      return 'name' in rule ? host === rule.name : host.endsWith(rule.suffix) && host.length > rule.suffix.length;
    });
  }
}

/** `URL` has made it lower case and written every form of an IPv4 address (hexadecimal, one number) as four decimal ones. */
const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');

const portOf = (url: URL): number => (url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port));

/** RFC 6761 §6.3. */
const isLocalName = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost');

const inRange = ({ from, to }: Rule['ports'], port: number): boolean => from <= port && port <= to;

function parseRule(text: string): Rule {
  const { host, ports } = splitPorts(text);
  const network = new BlockList();
  if (addNetwork(network, host.replace(/^\[(.*)\]/, '$1'))) return { host: { network }, ports };
  // What is made of digits and dots only is an address that is none.
  if (!NAME.test(host) || host.length > 253 || /^[\d.*]+$/.test(host)) invalidRule(text);
  return { host: host.startsWith('*.') ? { suffix: host.slice(1) } : { name: host }, ports };
}

function splitPorts(text: string): { host: string; ports: Rule['ports'] } {
  // Unless it is in brackets, an IPv6 address has no port: its last group could be one.
  const parts = isIP(text.split('/')[0] ?? '') === 6 ? null : WITH_PORTS.exec(text);
  if (parts === null) return { host: text, ports: ALL_PORTS };
  const from = Number(parts[2]);
  const to = Number(parts[3] ?? from);
  if (from < 1 || to > ALL_PORTS.to || from > to) invalidRule(text);
  return { host: parts[1] ?? '', ports: { from, to } };
}

function invalidRule(text: string): never {
  throw new ConcordatError('ConfigInvalid', `the destination "${text}" ${DESTINATION_RULE}`);
}
