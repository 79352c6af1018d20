import { createSecretKey, type KeyObject } from 'node:crypto';
import { Votes, type VoteSigner, type VoteVerifier } from '../../src/bft/index.js';
import type { ClientSecurity } from '../../src/client/ports.js';
import type { LoadedCluster } from '../../src/config/index.js';
import { ConcordatError } from '../../src/errors.js';
import type { ReplicaSecurity } from '../../src/replica/ports.js';
import type { Identity, MessageSigner, MessageVerifier, OutgoingMessage, Role, VerifiedMessage } from '../../src/soap/index.js';
import { TIMESTAMP_LIFETIME_MS } from '../../src/soap/limits.js';

/** Both sides' signatures and identities. */
export interface Security {
  readonly identity: (name: string) => Identity;
  /** Signs in the name of somebody, as only somebody with that key can. */
  readonly signer: (name: string) => MessageSigner;
  /** Reads a message on its way as anybody can who sees it, whatever the time. */
  readonly peek: (raw: string) => VerifiedMessage;
  readonly client: ClientSecurity;
  readonly replica: ReplicaSecurity;
  readonly votes: VoteVerifier;
  readonly voteSigner: (replica: number) => VoteSigner;
}

const ROLES: Readonly<Record<string, Role>> = { agency: 'initiator', provider: 'participant', replica: 'replica' };

const identityOf = (name: string): Identity => {
  const role = ROLES[name.split('-')[0] ?? ''];
  return {
    writer: `CN=${name},OU=${role ?? 'nobody'} | CN=simulated`,
    name,
    roles: new Set(role === undefined ? [] : [role]),
    fingerprint: `fingerprint of ${name}`,
  };
};

const WINDOW = { clockWindowMs: 300_000 };

/**
 * Stands in for cryptography. A signed message on its way is a token; what it says is kept here, and only holders of a key can have
 * entries made in its name. So signatures cannot be forged, and cost nothing. A signed vote is what was signed with the number of its maker, whom
 * nobody imitates: liars sign with their own key, or alter what others signed.
 */
export class Notary implements Security {
  readonly #entries = new Map<string, VerifiedMessage>();
  readonly #identities = new Map<string, Identity>();
  readonly votes: VoteVerifier = {
    verify: (replica, data, signature) => sealOf(replica, data).equals(signature),
  };

  identity = (name: string): Identity => {
    const known = this.#identities.get(name);
    if (known !== undefined) return known;
    const made = identityOf(name);
    this.#identities.set(name, made);
    return made;
  };

  signer = (name: string): MessageSigner => {
    const identity = this.identity(name);
    return { sign: (message, now) => this.#sign(identity, message, now) };
  };

  voteSigner = (replica: number): VoteSigner => ({ sign: (data) => sealOf(replica, data) });

  peek = (raw: string): VerifiedMessage => {
    const entry = this.#entries.get(raw);
    if (entry === undefined) throw new ConcordatError('SignatureInvalid', 'nobody signed this');
    return entry;
  };

  readonly client: ClientSecurity = {
    identity: ({ certificatePem }) => this.identity(certificatePem),
    signer: ({ certificatePem }) => this.signer(certificatePem),
    verifier: (_authorities, clockWindowMs) => this.#verifier(clockWindowMs),
    votes: ({ config: { cluster }, n, f }: LoadedCluster) => new Votes({ cluster, n, f, verifier: this.votes }),
  };

  readonly replica: ReplicaSecurity = {
    signer: ({ certificatePem }) => this.signer(certificatePem),
    verifier: (_authorities, { clockWindowMs }) => this.#verifier(clockWindowMs),
    voteSigner: (key) => this.voteSigner(numberOf(key)),
    voteVerifier: () => this.votes,
  };

  #sign(identity: Identity, { soapVersion, addressing, headers, body }: OutgoingMessage, now: number): string {
    const raw = `<${this.#entries.size} ${identity.name}>`;
    const expires = now + TIMESTAMP_LIFETIME_MS;
    this.#entries.set(raw, { soapVersion, identity, created: now, expires, addressing, headers, body, raw });
    return raw;
  }

  #verifier(clockWindowMs = WINDOW.clockWindowMs): MessageVerifier {
    return {
      verify: (raw, now, trace = {}) => {
        const message = this.peek(raw);
        const { created, expires, identity, soapVersion, addressing } = message;
        trace.soapVersion = soapVersion;
        trace.identity = identity;
        if (addressing.messageId !== undefined) trace.messageId = addressing.messageId;
        if (expires <= now || Math.abs(now - created) > clockWindowMs)
          throw new ConcordatError('MessageExpired', `created ${created}, our clock ${now}`);
        return message;
      },
    };
  }
}

/** What is signed ends with a hash. */
const SEALED_BYTES = 32;

function sealOf(replica: number, data: Uint8Array): Buffer {
  const seal = Buffer.allocUnsafe(1 + SEALED_BYTES);
  seal[0] = replica;
  seal.set(data.subarray(-SEALED_BYTES), 1);
  return seal;
}

/** Keys whose only content is the number of the replica. */
export const voteKeyOf = (replica: number): KeyObject => createSecretKey(Buffer.of(replica));
export const numberOf = (key: KeyObject): number => key.export()[0] ?? 0;
