import fc from 'fast-check';
import { anyCommand, opening } from './commands/index.js';
import { type LiarPlan, MANNERS, showLiar } from './liar.js';
import { emptyModel } from './model.js';
import { judge } from './oracle.js';
import { quiet } from './quiet.js';
import { Stage } from './stage.js';
import type { Setup, Substitutes } from './world.js';

const MAX_COMMANDS = 40;

const liar: fc.Arbitrary<LiarPlan> = fc.record({
  replica: fc.integer({ min: 1, max: 4 }),
  votes: fc.array(fc.constantFrom(...MANNERS), { minLength: 4, maxLength: 4 }),
  words: fc.boolean(),
});

const setup: fc.Arbitrary<Setup> = fc
  .record({
    seed: fc.nat(),
    maxDelay: fc.constantFrom(5, 100, 1_000),
    loss: fc.constantFrom(0, 0.3),
    liar: fc.option(liar, { nil: undefined }),
  })
  .map((plan) => ({ ...plan, [fc.toStringMethod]: () => showSetup(plan) }));

const showSetup = ({ seed, maxDelay, loss, liar }: Setup): string =>
  `seed ${seed}, ${loss * 100} % is lost, frames take up to ${maxDelay} ms, ${showLiar(liar)}`;

export interface PropertyOptions extends Substitutes {
  /** Sees every run that held, at its end. */
  readonly witness?: (stage: Stage) => void;
}

/** Whatever anybody does to the cluster, after quiet what must hold does. */
export function outcomesHold(options: PropertyOptions = {}): fc.IPropertyWithHooks<unknown> {
  const replayPath = process.env['FC_REPLAY'];
  const script = fc.commands([anyCommand], {
    maxCommands: MAX_COMMANDS,
    size: 'max',
    ...(replayPath === undefined ? {} : { replayPath }),
  });
  return fc.property(setup, opening, script, (plan, first, commands) => {
    const stage = new Stage(plan, options);
    const model = emptyModel();
    for (const command of first) if (command.check(model)) command.run(model, stage);
    fc.modelRun(() => ({ model, real: stage }), commands);
    quiet(stage);
    judge(stage, model);
    options.witness?.(stage);
  });
}

/** FC_SEED, FC_PATH and FC_REPLAY take a counterexample up again, as fast-check printed it. */
export function fromEnvironment(defaults: fc.Parameters<unknown>): fc.Parameters<unknown> {
  const { FC_SEED, FC_PATH, FC_RUNS } = process.env;
  return {
    ...defaults,
    ...(FC_SEED === undefined ? {} : { seed: Number(FC_SEED) }),
    ...(FC_PATH === undefined ? {} : { path: FC_PATH }),
    ...(FC_RUNS === undefined ? {} : { numRuns: Number(FC_RUNS) }),
  };
}
