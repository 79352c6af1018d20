import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Server } from './servers.js';

/** The core that every server has for itself, one after the other, and the one of whoever asks. */
const CORE = '0';
const CLIENT_CORE = '1';

/** Holds this process to its core, if the machine can do that and has two; servers are then held to the other. */
export const pinClient = (): boolean => spawnSync('taskset', ['-acp', CLIENT_CORE, String(process.pid)]).status === 0;

/**
 * Starts a server as a process of its own, on one core if the machine can do that, and waits for the line it prints when it listens.
 * @param ready reads the port from a line, undefined for any other line
 */
export async function startChild(
  command: readonly string[],
  ready: (line: string) => number | undefined,
  isPinned: boolean,
): Promise<Server> {
  const [program = '', ...args] = isPinned ? ['taskset', '-c', CORE, ...command] : command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const port = await firstPort(child, ready);
  return {
    port,
    close: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

function firstPort(child: ChildProcess, ready: (line: string) => number | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`a server ended with ${code ?? 'a signal'} before it listened`)));
    if (child.stdout === null) return;
    createInterface(child.stdout).on('line', (line) => {
      const port = ready(line);
      if (port !== undefined) resolve(port);
    });
  });
}
