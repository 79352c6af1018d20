import fc from 'fast-check';
import { ALL, command, replica } from './parts.js';

/** From less than a message takes to more than everything does. */
export const wait = fc.constantFrom(5, 30, 150, 600, 2_000).map((ms) =>
  command(
    `${ms} ms pass`,
    () => true,
    (_m, stage) => stage.world.cluster.run(ms),
  ),
);

export const weather = fc
  .record({ loss: fc.constantFrom(0, 0.1, 0.3), duplicate: fc.constantFrom(0, 0.2), maxDelay: fc.constantFrom(5, 100, 1_000) })
  .map(({ loss, duplicate, maxDelay }) =>
    command(
      `from now on ${loss * 100} % is lost, ${duplicate * 100} % comes twice, and frames take up to ${maxDelay} ms`,
      () => true,
      (_m, { world }) => {
        world.clientLoss = loss;
        world.cluster.network = { loss, duplicate, minDelay: 1, maxDelay };
      },
    ),
  );

export const cut = fc.record({ alone: replica, from: fc.subarray(ALL, { minLength: 1 }) }).map(({ alone, from }) =>
  command(
    `replica ${alone} loses its links to ${from.join(', ')}`,
    () => true,
    (_m, stage) => from.filter((id) => id !== alone).forEach((id) => stage.world.cluster.cutLink(alone, id)),
  ),
);

export const deafen = replica.map((id) =>
  command(
    `no decision reaches replica ${id} until all links work again`,
    () => true,
    (_m, stage) => stage.world.deaf.add(id),
  ),
);

export const heal = fc.constant(
  command(
    'all links work again and lose nothing',
    () => true,
    (_m, stage) => stage.world.heal(),
  ),
);

export const crash = replica.map((id) =>
  command(
    `replica ${id} crashes`,
    (m) => m.down === undefined,
    (m, stage) => {
      m.down = id;
      stage.world.crash(id);
    },
  ),
);

export const restart = fc.constant(
  command(
    'the replica that is down comes back',
    (m) => m.down !== undefined,
    (m, stage) => {
      if (m.down !== undefined) stage.world.restart(m.down);
      m.down = undefined;
    },
  ),
);
