/** A thread of the simulator: takes ranges of seeds, answers with what became of each schedule. */

import { register } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { HOOKS } from './mutants/hooks.js';
import type { SourceChange } from './mutants/mutant.js';
import type { ScheduleResult } from './schedule.js';

export interface Work {
  readonly mutant: string | undefined;
  readonly source: SourceChange | undefined;
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

const { mutant: name, source } = workerData as Work;
if (source !== undefined) register(HOOKS, { data: source });
const { runSchedule } = await import('./schedule.js');
const { mutantNamed } = await import('./mutants/index.js');
const mutant = name === undefined ? undefined : mutantNamed(name);
mutant?.install?.();

process.on('unhandledRejection', (error) => {
  throw error;
});

parentPort?.on('message', ({ first, count, tell }: Range) => {
  void (async () => {
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
    parentPort?.postMessage({ results, lines } satisfies Answer);
  })();
});
