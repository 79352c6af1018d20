import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export type Event = Readonly<Record<string, unknown>>;

export const exampleFile = (name: string): string => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));

/** A running program that prints a JSON line for each thing that happens. */
export class Program {
  /** Everything it has printed so far. */
  readonly events: Event[] = [];
  /** Its exit code; null after a signal. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #errors = '';
  #gone = false;

  constructor(command: string, args: readonly string[]) {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.events.push(JSON.parse(line) as Event);
      this.#tell();
    });
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        this.#gone = true;
        this.#tell();
        resolve(code);
      });
    });
  }

  /** The first event that has all of these parts, printed already or still to come. A pattern stands for any text that it fits. */
  async until(parts: Readonly<Record<string, unknown>>): Promise<Event> {
    for (;;) {
      const found = this.events.find((event) => Object.entries(parts).every(([key, value]) => fits(event[key], value)));
      if (found !== undefined) return found;
      if (this.#gone) throw new Error(`it ended without ${JSON.stringify(parts)}:\n${this.story()}`);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    await this.exited;
  }

  /** What it printed, for the message of a failed test. */
  story(): string {
    return [...this.events.map((event) => JSON.stringify(event)), this.#errors].join('\n');
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}

const fits = (value: unknown, wanted: unknown): boolean =>
  wanted instanceof RegExp ? typeof value === 'string' && wanted.test(value) : value === wanted;
