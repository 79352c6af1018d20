/** A process of the simulator: takes ranges of seeds, answers with what became of each schedule. */

import { register } from 'node:module';
import { HOOKS } from './mutants/hooks.js';
import type { SourceChange } from './mutants/mutant.js';
import type { ScheduleResult } from './schedule.js';

/** The first message: what all schedules run with. Undefined is null on its way between processes. */
export interface Work {
  readonly mutant: string | null;
  readonly source: SourceChange | null;
}

export interface Range {
  readonly first: number;
  readonly count: number;
  /** Whether what happens is told. */
  readonly tell?: boolean;
}

export interface Answer {
  readonly results: readonly ScheduleResult[];
  readonly lines: readonly string[];
}

const next = <T>(): Promise<T> => new Promise((resolve) => process.once('message', (message) => resolve(message as T)));

const { mutant: name, source } = await next<Work>();
if (source !== null) register(HOOKS, { data: source });
const { runSchedule } = await import('./schedule.js');
const { mutantNamed } = await import('./mutants/index.js');
const mutant = name === null ? undefined : mutantNamed(name);
mutant?.install?.();

// Whoever asked is gone.
process.on('disconnect', () => process.exit());
process.on('unhandledRejection', (error) => {
  throw error;
});

process.send?.('ready');
for (;;) {
  const { first, count, tell } = await next<Range>();
  const results: ScheduleResult[] = [];
  const lines: string[] = [];
  // Errors are many here, and few are looked at: only a run that is told shows where they come from.
  Error.stackTraceLimit = tell === true ? 20 : 1;
  const told = tell === true ? { tell: (line: string) => void lines.push(line) } : {};
  for (let seed = first; seed < first + count; seed++) {
    const result = await runSchedule({ seed, ...told, ...(mutant === undefined ? {} : { mutant }) });
    results.push(result);
    if (mutant !== undefined && result.violations.length > 0) break;
  }
  process.send?.({ results, lines } satisfies Answer);
}
