import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { votePublicKeyText } from './certificate.js';

/** A new Ed25519 key: its private half as a PEM file has it, its public half as cluster.json has it. */
export function makeVoteKey(): { readonly privatePem: string; readonly publicText: string } {
  const { privateKey }: { privateKey: KeyObject } = generateKeyPairSync('ed25519');
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicText: votePublicKeyText(privateKey),
  };
}
