import type { Stage } from './stage.js';

const ROUND_MS = 1_000;
/** Rounds without any delivery after which nothing more will come: longer than everything that is sent again takes. */
const SILENT_ROUNDS = 4;
const MAX_ROUNDS = 120;

/**
 * The fair end of a run: the network is whole, every replica is up, and everybody honest finishes what it began. Returns when
 * nothing happens any more.
 */
export function quiet(stage: Stage): void {
  const { world } = stage;
  world.calm();
  let silent = 0;
  for (let round = 0; round < MAX_ROUNDS && silent < SILENT_ROUNDS; round++) {
    const before = world.deliveries;
    for (const actor of [...stage.initiators.values(), ...stage.guests]) actor.finish();
    world.cluster.run(ROUND_MS);
    silent = world.deliveries === before ? silent + 1 : 0;
  }
}
