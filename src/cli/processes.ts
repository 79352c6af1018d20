import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { asErrorCode, ConcordatError, ERRORS } from '../errors.js';

/** A replica in a process of its own. */
export interface ReplicaProcess {
  readonly id: number;
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Resolves when it is gone, with how: `exit code 0` or `SIGKILL`. */
  readonly exited: Promise<string>;
  /** Its last line on standard error that is not a log line: why it could not start. */
  complaint: string | undefined;
}

/** Preloaded into every child, so that none outlives this process, whatever ends it. It lies beside the command. */
const tetherOf = (program: string): string => new URL('./tether.js', pathToFileURL(program)).href;

/**
 * Starts a replica. Its log lines go to our standard error, or to `onLog`.
 * @param program the concordat command, built
 */
export function spawnReplica(
  program: string,
  dir: string,
  id: number,
  args: readonly string[],
  onLog?: (line: string) => void,
): ReplicaProcess {
  const child = spawn(process.execPath, ['--import', tetherOf(program), program, 'replica', dir, '--id', String(id), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code ?? 'unknown'}`));
    child.once('error', (error) => resolve(error.message));
  });
  const replica: ReplicaProcess = { id, child, exited, complaint: undefined };
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith('concordat: ')) replica.complaint = line;
    else (onLog ?? ((text: string) => process.stderr.write(`${text}\n`)))(line);
  });
  return replica;
}

/** Resolves when the replica says that it is ready. @throws ConcordatError with its own complaint when it stops instead */
export async function awaitReady(replica: ReplicaProcess, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      new Promise<void>((resolve) => createInterface({ input: replica.child.stdout }).once('line', () => resolve())),
      replica.exited.then((how) => {
        throw complaintOf(replica, how);
      }),
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(
          () => reject(new ConcordatError('ReplicaUnreachable', `replica ${replica.id} was not ready in ${timeoutMs} ms`)),
          timeoutMs,
        );
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function complaintOf(replica: ReplicaProcess, how: string): ConcordatError {
  const [, code = '', text = ''] = /^concordat: (\w+): (.*)$/.exec(replica.complaint ?? '') ?? [];
  const known = asErrorCode(code);
  const words = text.startsWith(`${ERRORS[known].message}: `) ? text.slice(ERRORS[known].message.length + 2) : text;
  return new ConcordatError(known, `replica ${replica.id}: ${words === '' ? `stopped with ${how}` : words}`);
}

const STOP_TIMEOUT_MS = 5_000;

/** Asks all to stop, and kills those that do not. */
export async function stopAll(processes: readonly ReplicaProcess[]): Promise<void> {
  await Promise.all(
    processes.map(async (replica) => {
      replica.child.kill('SIGTERM');
      const timer = setTimeout(() => replica.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await replica.exited;
      clearTimeout(timer);
    }),
  );
}
