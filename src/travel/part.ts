import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { DemoFailure } from './failure.js';
import { TRAVEL_LIMITS } from './limits.js';

export interface PartPlan {
  readonly name: string;
  /** A script of ours, and its arguments. */
  readonly program: string;
  readonly args: readonly string[];
  /** File that gets all it logs. */
  readonly log: string;
  /** Answers what it asks over a channel of its own; without it there is no such channel. `undefined` is no answer. */
  readonly answer?: (message: unknown) => Promise<unknown>;
}

/** Preloaded into every part, so that none outlives the demo. */
const TETHER = new URL('../cli/tether.js', import.meta.url).href;

/** One process of the demo: a replica or a service. */
export class Part {
  /** Resolves when it is gone, with how: `exit code 0` or `SIGKILL`. */
  readonly exited: Promise<string>;
  /** What it prints when it works: one line of JSON. */
  readonly #ready: Promise<string>;
  readonly #child: ChildProcess;

  private constructor(readonly plan: PartPlan) {
    mkdirSync(dirname(plan.log), { recursive: true });
    const log = openSync(plan.log, 'a');
    // In a process group of its own: Ctrl-C in the terminal comes to the demo alone, which then stops its parts in order.
    this.#child = spawn(process.execPath, ['--import', TETHER, plan.program, ...plan.args], {
      stdio: plan.answer === undefined ? ['pipe', 'pipe', log] : ['pipe', 'pipe', log, 'ipc'],
      detached: true,
    });
    if (plan.answer !== undefined) this.#answerWith(plan.answer);
    closeSync(log);
    const { stdin, stdout } = this.#child;
    if (stdin === null || stdout === null) throw new DemoFailure(`${plan.name} has no pipes`);
    stdin.on('error', () => undefined);
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code ?? 'unknown'}`));
      this.#child.once('error', (error) => resolve(error.message));
    });
    this.#ready = new Promise((resolve) => createInterface({ input: stdout }).once('line', resolve));
  }

  /**
   * Starts a part and waits for its ready line.
   * @param started called at once with the part, so that it can be stopped whatever comes
   * @throws DemoFailure, naming its log, if it stops or says nothing in time
   */
  static async start(plan: PartPlan, started: (part: Part) => void): Promise<Part> {
    const part = new Part(plan);
    started(part);
    await part.ready();
    return part;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its ready line. */
  async ready(): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const failure = (why: string): DemoFailure => new DemoFailure(`${this.plan.name} ${why}; see ${this.plan.log}`);
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(failure(`was not ready in ${TRAVEL_LIMITS.startMs} ms`)), TRAVEL_LIMITS.startMs);
    });
    const gone = this.exited.then((how) => {
      throw failure(`stopped with ${how} before it was ready`);
    });
    try {
      return await Promise.race([this.#ready, gone, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Freezes it. @throws DemoFailure if it is gone */
  pause(): void {
    this.#signal('SIGSTOP');
  }

  /** Lets it go on where it was frozen. @throws DemoFailure if it is gone */
  resume(): void {
    this.#signal('SIGCONT');
  }

  /** Ends it at once, as a power cut would, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** Asks it to stop, kills it if it does not, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    // One that is frozen would not hear of it.
    this.#child.kill('SIGCONT');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), TRAVEL_LIMITS.stopMs);
    await this.exited;
    clearTimeout(timer);
  }

  #signal(signal: NodeJS.Signals): void {
    const isRunning = this.#child.exitCode === null && this.#child.signalCode === null;
    if (!isRunning || !this.#child.kill(signal)) throw new DemoFailure(`${this.plan.name} does not run; restart it`);
  }

  #answerWith(answer: (message: unknown) => Promise<unknown>): void {
    this.#child.on('message', (message: unknown) => {
      void answer(message).then((reply) => {
        // It may be gone by now, and with it whoever asked.
        if (typeof reply === 'object' && reply !== null && this.#child.connected) this.#child.send(reply, () => undefined);
      });
    });
  }
}
