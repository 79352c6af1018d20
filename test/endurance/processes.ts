import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReplicaId, Request } from '../../src/bft/index.js';
import { encodeFrame, FrameReader } from '../../src/peers/frames.js';
import { decodeFromReplica, encodeToReplica, type FromReplica, type Measure, type ReplicaEvent, type ToReplica } from './wire.js';

const PROGRAM = fileURLToPath(new URL('./worker.js', import.meta.url));
const MAX_FROM_REPLICA = 64 * 1024 * 1024;

interface Child {
  readonly process: ChildProcess;
  socket: Socket | undefined;
  /** When it could vote, by performance.now(). */
  readonly voting: Promise<number>;
  readonly isVoting: () => void;
  measured: ((measure: Measure) => void) | undefined;
}

/** Four replicas in processes of their own, so that each has a resident memory of its own. */
export class ReplicaProcesses {
  readonly #children = new Map<ReplicaId, Child>();
  readonly #server: Server;
  #ending = false;

  constructor(
    private readonly folder: string,
    private readonly onEvents: (from: ReplicaId, events: readonly ReplicaEvent[]) => void,
    private readonly onFailure: (error: Error) => void,
  ) {
    this.#server = createServer((socket) => this.#welcome(socket)).listen(join(folder, 'driver.sock'));
  }

  /** Starts a replica. @returns how many milliseconds it took until it voted */
  async start(id: ReplicaId): Promise<number> {
    const begun = performance.now();
    const folder = join(this.folder, String(id));
    mkdirSync(folder, { recursive: true });
    const process = spawn(globalThis.process.execPath, ['--expose-gc', PROGRAM, String(id), folder], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    let isVoting = (): void => undefined;
    const voting = new Promise<number>((resolve) => (isVoting = () => resolve(performance.now())));
    const child: Child = { process, socket: undefined, voting, isVoting, measured: undefined };
    this.#children.set(id, child);
    process.once('exit', (code, signal) => {
      if (!this.#ending && this.#children.get(id) === child)
        this.onFailure(new Error(`replica ${id} ended with ${code ?? signal ?? ''}`));
    });
    return (await voting) - begun;
  }

  /** Ends a replica as a crash would. */
  async kill(id: ReplicaId): Promise<void> {
    const child = this.#child(id);
    this.#children.delete(id);
    child.process.kill('SIGKILL');
    await once(child.process, 'exit');
  }

  submit(requests: readonly Request[]): void {
    const bytes = encodeFrame('data', encodeToReplica({ type: 'submit', requests }));
    for (const { socket } of this.#children.values()) socket?.write(bytes);
  }

  async measure(id: ReplicaId): Promise<Measure> {
    const child = this.#child(id);
    const message: ToReplica = { type: 'measure' };
    const measured = new Promise<Measure>((resolve) => (child.measured = resolve));
    child.socket?.write(encodeFrame('data', encodeToReplica(message)));
    return measured;
  }

  async close(): Promise<void> {
    this.#ending = true;
    const ended = [...this.#children.values()].map(async ({ process, socket }) => {
      const exit = once(process, 'exit');
      if (socket === undefined) process.kill();
      else socket.destroy();
      await exit;
    });
    await Promise.all(ended);
    this.#server.close();
  }

  #child(id: ReplicaId): Child {
    const child = this.#children.get(id);
    if (child === undefined) throw new Error(`replica ${id} is not running`);
    return child;
  }

  #welcome(socket: Socket): void {
    const reader = new FrameReader(MAX_FROM_REPLICA);
    let id = 0;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      for (const { kind, payload } of reader.push(chunk)) {
        if (kind === 'hello') {
          id = payload[0] ?? 0;
          this.#child(id).socket = socket;
        } else this.#hear(id, decodeFromReplica(payload));
      }
    });
  }

  #hear(id: ReplicaId, message: FromReplica): void {
    const child = this.#children.get(id);
    if (message.type === 'measured') return child?.measured?.(message.measure);
    if (message.events.some(({ kind }) => kind === 'voting')) child?.isVoting();
    this.onEvents(id, message.events);
  }
}
