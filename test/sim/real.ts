import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { X509Certificate } from 'node:crypto';
import { Votes, type VoteVerifier } from '../../src/bft/index.js';
import { type Credentials, identityOf, Signer, TrustStore, Verifier } from '../../src/soap/index.js';
import type { Identity } from '../../src/soap/index.js';
import { makeCa } from '../soap/pki.js';
import { siteOf } from './links.js';
import { numberOf, type Security } from './notary.js';
import { EPOCH } from './process.js';

const DAY_MS = 86_400_000;
/** Reads a message of any time. */
const WHENEVER = { clockWindowMs: 1_000 * DAY_MS, skewMs: 1_000 * DAY_MS };

const CLIENTS = { agency: 'initiator', provider: 'participant' } as const;
const MOST_CLIENTS = 3;
const REPLICAS = 4;

/**
 * The shipped signer, verifier and vote signatures, with keys made for the occasion. They differ from run to run, but nothing that
 * happens depends on them: digests of requests leave signatures out.
 */
export async function makeRealSecurity(): Promise<Security> {
  const validity = { notBefore: new Date(EPOCH - DAY_MS), notAfter: new Date(EPOCH + DAY_MS) };
  const ca = await makeCa('simulated', validity);
  const credentials = new Map<string, Credentials>();
  const issue = async (cn: string, role: string): Promise<void> => {
    credentials.set(cn, await ca.issue({ cn, ou: [role], ...validity }));
  };
  for (let i = 1; i <= REPLICAS; i++) await issue(siteOf(i), 'replica');
  for (const [kind, role] of Object.entries(CLIENTS)) for (let i = 1; i <= MOST_CLIENTS; i++) await issue(`${kind}-${i}`, role);
  const voteKeys = Array.from({ length: REPLICAS }, () => generateKeyPairSync('ed25519'));
  const trust = new TrustStore([ca.pem]);
  const whenever = new Verifier(trust, WHENEVER);
  const signers = new Map<string, Signer>();
  const identities = new Map<string, Identity>();
  const keysOf = (name: string): Credentials => {
    const keys = credentials.get(name);
    if (keys === undefined) throw new RangeError(`${name} has no certificate`);
    return keys;
  };
  const remembered = <T>(memory: Map<string, T>, name: string, make: (keys: Credentials) => T): T => {
    const known = memory.get(name) ?? make(keysOf(name));
    memory.set(name, known);
    return known;
  };
  const identity = (name: string): Identity =>
    remembered(identities, name, ({ certificatePem }) => identityOf(new X509Certificate(certificatePem)));
  const signer = (name: string): Signer => remembered(signers, name, (keys) => new Signer(keys));
  const votes: VoteVerifier = {
    verify: (replica, data, signature) => {
      const key = voteKeys[replica - 1]?.publicKey;
      return key !== undefined && verify(null, data, key, signature);
    },
  };
  const voteSigner: Security['voteSigner'] = (replica) => {
    const key = voteKeys[replica - 1]?.privateKey;
    if (key === undefined) throw new RangeError(`replica ${replica} has no vote key`);
    return { sign: (data) => sign(null, data, key) };
  };
  return {
    identity,
    signer,
    votes,
    voteSigner,
    peek: (raw) => whenever.verify(raw, EPOCH),
    client: {
      identity: ({ certificatePem }) => identity(certificatePem),
      signer: ({ certificatePem }) => signer(certificatePem),
      verifier: (_authorities, clockWindowMs) => new Verifier(trust, { clockWindowMs }),
      votes: ({ config: { cluster }, n, f }) => new Votes({ cluster, n, f, verifier: votes }),
    },
    replica: {
      signer: ({ certificatePem }) => signer(certificatePem),
      verifier: (_authorities, policy) => new Verifier(trust, policy),
      voteSigner: (key) => voteSigner(numberOf(key)),
      voteVerifier: () => votes,
    },
  };
}
