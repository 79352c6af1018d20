// Writes batches to the replica store at argv[2] as fast as it can and says on stdout how far it is, after each commit.
// argv[3]: where the built code lies. Meant to be killed.
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const { ReplicaStore } = await import(pathToFileURL(process.argv[3]).href);
const store = ReplicaStore.open(process.argv[2]);
const MAX_BATCHES = 1_000_000;

for (let number = store.deliveredCount + 1; number <= MAX_BATCHES; number += 1) {
  const content = Buffer.from(`request ${number}`);
  const digest = createHash('sha256').update(content).digest();
  const at = { stream: 'one', number, digest };
  store.append([
    { type: 'request', digest, content, proof: Buffer.alloc(number % 500) },
    { type: 'vote', kind: 'echo', ...at },
    { type: 'vote', kind: 'ready', ...at },
    { type: 'delivery', ...at, certificate: Buffer.from('certificate') },
    { type: 'cursor', peer: 2, epoch: 'e', position: number },
  ]);
  // Not process.stdout.write: the line must be out before the next commit begins.
  writeSync(1, `${number}\n`);
}
