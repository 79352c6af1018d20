import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Part } from '../../src/travel/part.js';

/**
 * Freezes a process (SIGSTOP). One that is frozen does not see that its parent is gone, so a helper wakes it as soon as its pipe
 * from us ends, whatever ended it.
 * @returns lets it go on (SIGCONT)
 */
export function freeze(part: Part): () => Promise<void> {
  const waker = spawn('/bin/sh', ['-c', 'read -r _; kill -CONT "$1"', 'waker', String(part.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  waker.stdin.on('error', () => undefined);
  const gone = once(waker, 'exit');
  part.pause();
  return async () => {
    waker.stdin.end();
    await gone;
  };
}
