import { expect, test } from '@jest/globals';
import { DEFAULT_BROADCAST_LIMITS } from '../../src/bft/index.js';
import { Retiring } from '../../src/bft/retiring.js';
import { BroadcastState } from '../../src/bft/state.js';

const UNIT = 'd1';
const { retireMinMs } = DEFAULT_BROADCAST_LIMITS;

test('what comes to life in a unit after its record was made is not lost with the record', () => {
  let isOver = true;
  const unavailable = (): undefined => undefined;
  const state = new BroadcastState({
    self: 1,
    n: 4,
    f: 1,
    cluster: 'test',
    limits: DEFAULT_BROADCAST_LIMITS,
    signer: { sign: () => Buffer.alloc(0) },
    verifier: { verify: () => true },
    history: {
      epoch: 'epoch',
      head: 7,
      log: () => [],
      stream: unavailable,
      record: unavailable,
      recordHash: unavailable,
      delivered: unavailable,
      followed: unavailable,
    },
    service: {
      stream: unavailable,
      admit: () => ({ verdict: 'admit' }),
      deliver: () => ({ domains: [], effects: [] }),
      retirement: {
        over: () => (isOver ? UNIT : undefined),
        pack: () => (isOver ? { streams: [], state: Buffer.from('state') } : undefined),
        streams: () => [],
        forget: unavailable,
      },
    },
  });
  const retiring = new Retiring(state, () => true);
  retiring.touched(UNIT);
  // A peer's log shows the unit as retired: the record is made to be compared.
  expect(retiring.hashOf(UNIT)).toBeDefined();
  isOver = false;
  retiring.touched(UNIT);
  state.now = retireMinMs + 1;
  retiring.tick();
  expect(retiring.collect()).toEqual([]);
  isOver = true;
  retiring.touched(UNIT);
  state.now = 2 * retireMinMs + 2;
  retiring.tick();
  expect(retiring.collect()).toMatchObject([{ unit: UNIT }]);
});
