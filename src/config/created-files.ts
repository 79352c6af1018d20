import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConcordatError } from '../errors.js';
import { attempt } from './files.js';
import type { KeyPair } from './keys.js';
import { makeVoteKey } from './vote-key.js';

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;

/** Writes files that must not exist yet below one directory, keys readable by their owner only. */
export class CreatedFiles {
  constructor(private readonly dir: string) {}

  writePublic(path: string, text: string | Uint8Array): void {
    this.#write(path, text, PUBLIC_MODE);
  }

  writeSecret(path: string, text: string | Uint8Array): void {
    this.#write(path, text, SECRET_MODE);
  }

  /** Writes the file that says that all the others are there: it appears under its name with all its content, or not at all. */
  publish(path: string, text: string): void {
    const full = join(this.dir, path);
    if (existsSync(full)) throw new ConcordatError('ConfigInvalid', `${full} is already there`);
    this.#write(`${path}.new`, text, PUBLIC_MODE);
    attempt(full, () => renameSync(`${full}.new`, full));
  }

  pair(paths: { readonly certificate: string; readonly privateKey: string }, pair: KeyPair): void {
    this.writePublic(paths.certificate, pair.certificatePem);
    this.writeSecret(paths.privateKey, pair.privateKeyPem);
  }

  /** Makes an Ed25519 key, writes its private half and returns its public half as cluster.json has it. */
  voteKey(path: string): string {
    const { privatePem, publicText } = makeVoteKey();
    this.writeSecret(path, privatePem);
    return publicText;
  }

  #write(path: string, text: string | Uint8Array, mode: number): void {
    const full = join(this.dir, path);
    attempt(full, () => {
      mkdirSync(dirname(full), { recursive: true });
      const file = openSync(full, 'wx', mode);
      try {
        writeFileSync(file, text);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
    });
  }
}
