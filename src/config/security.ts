import type { ObjectReader } from './reader.js';
import { invalid } from './reader.js';

/** Roles that a rule may give, and that CLI and certificates know. */
export const ALL_ROLES = ['initiator', 'participant', 'replica', 'operator'] as const;

/** Which certificates have a role: those whose subject has such attributes; `*` stands for any characters. */
export interface RoleSetting {
  readonly role: (typeof ALL_ROLES)[number];
  /** By type of attribute, as `{"OU": "sales", "O": "Example*"}`. All must fit. */
  readonly subject: Readonly<Record<string, string>>;
}

/** `security` in cluster.json: what is believed, and where is sent. What is left out has a safe default. */
export interface SecuritySettings {
  /** A cluster to try things out with: messages may be sent to loopback and link-local addresses. Default: false. */
  readonly development?: boolean;
  /** Default: an OU of the role's name. */
  readonly roles?: readonly RoleSetting[];
  /** Default: all that are implemented. */
  readonly algorithms?: { readonly signatures?: readonly string[]; readonly digests?: readonly string[] };
  readonly revocation?: RevocationSettings;
  readonly destinations?: DestinationSettings;
}

export interface RevocationSettings {
  /** Files of revocation lists, PEM or DER, relative to the cluster's directory; they are read again when they change. */
  readonly lists: readonly string[];
  /** What a list that is out of date or cannot be used leads to. Default: refuse. */
  readonly whenUnknown?: 'refuse' | 'accept';
}

export interface DestinationSettings {
  /** Hosts and networks that replicas may send to. Default: all that are not special. */
  readonly allow?: readonly string[];
  /** Whether authorities of the system may certify https endpoints, beside those of the cluster. Default: true. */
  readonly systemRoots?: boolean;
}

/** Items of each list of `security`, at most. */
export const MAX_SECURITY_ITEMS = 256;
const FIELDS = ['development', 'roles', 'algorithms', 'revocation', 'destinations'];
const ATTRIBUTE = /^[A-Za-z][A-Za-z0-9.]{0,63}$/;
const PATTERN = /^[^\p{Cc}]{1,256}$/u;

/** Checks the form of the object `security`; what the names in it mean is checked where they are used. @throws ConfigInvalid */
export function parseSecurity(parent: ObjectReader): SecuritySettings {
  const reader = parent.object('security', FIELDS);
  return {
    ...(reader.has('development') ? { development: reader.flag('development') } : {}),
    ...(reader.has('roles') ? { roles: parseRoles(reader) } : {}),
    ...(reader.has('algorithms') ? { algorithms: parseAlgorithms(reader) } : {}),
    ...(reader.has('revocation') ? { revocation: parseRevocation(reader) } : {}),
    ...(reader.has('destinations') ? { destinations: parseDestinations(reader) } : {}),
  };
}

function parseRoles(parent: ObjectReader): RoleSetting[] {
  return parent.objects('roles', MAX_SECURITY_ITEMS, ['role', 'subject']).map((rule) => {
    const role = rule.oneOf('role', ALL_ROLES);
    const subject = rule.object('subject', 'any');
    const names = Object.keys(subject.record());
    if (names.length === 0) invalid(rule.path('subject'), 'must name an attribute, like {"OU": "sales"}');
    for (const name of names) {
      if (!ATTRIBUTE.test(name)) invalid(rule.path('subject'), `has "${name}" where a type of attribute is expected, like OU`);
    }
    const patterns = names.map((name) => [name, subject.string(name, PATTERN, 'must be a text of 1 to 256 characters')] as const);
    return { role, subject: Object.fromEntries(patterns) };
  });
}

function parseAlgorithms(parent: ObjectReader): NonNullable<SecuritySettings['algorithms']> {
  const reader = parent.object('algorithms', ['signatures', 'digests']);
  return {
    ...(reader.has('signatures') ? { signatures: reader.strings('signatures', MAX_SECURITY_ITEMS) } : {}),
    ...(reader.has('digests') ? { digests: reader.strings('digests', MAX_SECURITY_ITEMS) } : {}),
  };
}

function parseRevocation(parent: ObjectReader): RevocationSettings {
  const reader = parent.object('revocation', ['lists', 'whenUnknown']);
  return {
    lists: reader.strings('lists', MAX_SECURITY_ITEMS),
    ...(reader.has('whenUnknown') ? { whenUnknown: reader.oneOf('whenUnknown', ['refuse', 'accept']) } : {}),
  };
}

function parseDestinations(parent: ObjectReader): DestinationSettings {
  const reader = parent.object('destinations', ['allow', 'systemRoots']);
  return {
    ...(reader.has('allow') ? { allow: reader.strings('allow', MAX_SECURITY_ITEMS) } : {}),
    ...(reader.has('systemRoots') ? { systemRoots: reader.flag('systemRoots') } : {}),
  };
}
