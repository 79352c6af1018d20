/**
 * What a replica believes and where it sends, in one place: the parts that must be signed, the algorithms, who has which role,
 * revocation, destinations. The defaults are safe; `security` in cluster.json narrows them or says what is special here.
 */
import { ConcordatError } from '../errors.js';
import { ADDRESSING_HEADERS } from './addressing.js';
import { DIGEST_ALGORITHMS, SIGNATURE_ALGORITHMS } from './algorithms.js';
import type { DigestName, SignatureAlgorithmEntry } from './algorithms.js';
import { NS } from './namespaces.js';

export { DestinationPolicy } from './destination-policy.js';
export type { DestinationOptions } from './destination-policy.js';
export { guarded } from './destinations.js';
export { ROLES_BY_OU } from './identity.js';
export type { RoleRule } from './identity.js';
export type { ListFile, RevocationOptions } from './revocation.js';
export type { TrustOptions } from './trust.js';

/** A header block, as far as it matters whether it must be signed. */
export interface HeaderBlock {
  readonly ns: string;
  readonly name: string;
  /** It is marked wsa:IsReferenceParameter (WS-Addressing 1.0 SOAP Binding §3.4). */
  readonly isReferenceParameter: boolean;
}

interface SignedPart {
  /** For people. */
  readonly part: string;
  readonly why: string;
  /** Which header blocks are such a part; nothing for what is no header block. */
  readonly header?: (block: HeaderBlock) => boolean;
}

/**
 * The parts that must be signed, in every message alike. One that is there and not signed is refused with SignedPartMissing, which
 * names it; whatever else is not signed is taken as not there. Which headers a message must have is the interpreter's matter.
 */
export const SIGNED_PARTS: readonly SignedPart[] = [
  { part: 'soap:Body', why: 'what is asked for' },
  { part: 'wsu:Timestamp', why: 'when it was asked, for how long it counts' },
  {
    part: 'every header of WS-Addressing',
    why: 'what the message is, for whom, and where answers go (WS-Addressing 1.0 SOAP Binding §8)',
    header: ({ ns, name }) => ns === NS.wsa && ADDRESSING_HEADERS.has(name),
  },
  {
    part: 'every reference parameter',
    why: 'which activity, invitation and participant it is about',
    header: ({ isReferenceParameter }) => isReferenceParameter,
  },
  { part: 'every header of Concordat', why: 'the number in the stream', header: ({ ns }) => ns === NS.concordat },
];

const SIGNED_HEADERS = SIGNED_PARTS.flatMap(({ header }) => header ?? []);

/** Whether a header block must be signed if it is there. */
export const mustBeSigned = (block: HeaderBlock): boolean => SIGNED_HEADERS.some((isSuch) => isSuch(block));

/** Names of algorithms of signatures (`rsa-sha256`, `rsa-pss-sha256`, `ecdsa-sha256`, …) and digests (`sha256`, …); by default all. */
export interface AlgorithmOptions {
  readonly signatures?: readonly string[];
  readonly digests?: readonly string[];
}

export const signatureName = ({ keyType, isPss, hash }: SignatureAlgorithmEntry): string =>
  `${keyType === 'rsa' ? 'rsa' : 'ecdsa'}${isPss === true ? '-pss' : ''}-${hash}`;

export const SIGNATURE_NAMES: readonly string[] = Object.values(SIGNATURE_ALGORITHMS).map(signatureName);
export const DIGEST_NAMES: readonly string[] = Object.values(DIGEST_ALGORITHMS);

/** What of a signature the policy is about. */
interface UsedAlgorithms {
  readonly algorithm: SignatureAlgorithmEntry;
  readonly references: readonly { readonly hash: DigestName }[];
}

/** A choice among the algorithms that are implemented: it can be narrowed, never widened. */
export class AlgorithmPolicy {
  private readonly signatures: ReadonlySet<string>;
  private readonly digests: ReadonlySet<string>;

  /** @throws ConfigInvalid for a name that is none of ours, or an empty list */
  constructor({ signatures = SIGNATURE_NAMES, digests = DIGEST_NAMES }: AlgorithmOptions = {}) {
    this.signatures = chosen('signatures', signatures, SIGNATURE_NAMES);
    this.digests = chosen('digests', digests, DIGEST_NAMES);
  }

  /** @throws AlgorithmRefused */
  check({ algorithm, references }: UsedAlgorithms): void {
    const name = signatureName(algorithm);
    if (!this.signatures.has(name)) throw new ConcordatError('AlgorithmRefused', `signature ${name} is not accepted here`);
    const digest = references.find(({ hash }) => !this.digests.has(hash));
    if (digest !== undefined) throw new ConcordatError('AlgorithmRefused', `digest ${digest.hash} is not accepted here`);
  }
}

function chosen(list: string, names: readonly string[], known: readonly string[]): ReadonlySet<string> {
  const strange = names.find((name) => !known.includes(name));
  if (strange !== undefined || names.length === 0) {
    throw new ConcordatError(
      'ConfigInvalid',
      `security.algorithms.${list} must be of ${known.join(', ')}; not "${strange ?? ''}"`,
    );
  }
  return new Set(names);
}
