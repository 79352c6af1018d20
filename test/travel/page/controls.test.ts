import { describe, expect, test } from '@jest/globals';
import { basename } from 'node:path';
import { DemoFailure } from '../../../src/travel/failure.js';
import type { Action } from '../../../src/travel/page/controls.js';
import { ACTIONS, controlsOfParent, isControlRequest, oneAtATime } from '../../../src/travel/page/controls.js';
import { answerControl } from '../../../src/travel/stage-controls.js';

describe('the controls', () => {
  test('are commands to type without the demo’s channel', () => {
    expect(process.send === undefined ? controlsOfParent() : { kind: 'commands' }).toEqual({ kind: 'commands' });
  });

  test.each([
    [{ control: 1, replica: 2, action: 'kill' }, true],
    [{ control: 1, replica: 2, action: 'explode' }, false],
    [{ control: 1, replica: '2', action: 'kill' }, false],
    [{ replica: 2, action: 'kill' }, false],
    ['kill', false],
    [null, false],
  ])('take %j: %p', (message, taken) => {
    expect(isControlRequest(message)).toBe(taken);
  });

  test('do one thing at a time to a replica, and go on after a failure', async () => {
    const done: string[] = [];
    let release = (): void => undefined;
    const perform = oneAtATime((replica: number, action: Action) => {
      done.push(`${action} ${replica}`);
      if (action === 'continue') return Promise.reject(new DemoFailure('it does not run'));
      return action === 'restart' ? new Promise<void>((resolve) => (release = resolve)) : Promise.resolve();
    });
    const restarting = perform(1, 'restart');
    await expect(perform(1, 'kill')).rejects.toMatchObject({ code: 'Busy' });
    await perform(2, 'kill');
    release();
    await restarting;
    await expect(perform(1, 'continue')).rejects.toThrow('it does not run');
    await perform(1, 'kill');
    expect(done).toEqual(['restart 1', 'kill 2', 'continue 1', 'kill 1']);
  });
});

describe('the demo that is asked', () => {
  const done: string[] = [];
  const act =
    (name: string) =>
    (id: number, program?: string): Promise<void> => {
      if (id === 4) return Promise.reject(new DemoFailure('replica-4 does not run; restart it'));
      done.push([name, id, ...(program === undefined ? [] : [basename(program)])].join(' '));
      return Promise.resolve();
    };
  const stage = {
    replicaIds: [1, 2, 3, 4],
    killReplica: act('kill'),
    pauseReplica: act('pause'),
    continueReplica: act('continue'),
    restartReplica: act('restart'),
  };

  test('does each action, and starts the lying program for one of them', async () => {
    for (const action of ACTIONS) expect(await answerControl(stage, { control: 5, replica: 2, action })).toEqual({ control: 5 });
    expect(done).toEqual(['kill 2', 'pause 2', 'continue 2', 'restart 2', 'restart 2 lying-replica.js']);
  });

  test('says what went wrong, and nothing to what is no question', async () => {
    const ask = (replica: number) => answerControl(stage, { control: 6, replica, action: 'pause' });
    expect(await ask(4)).toEqual({ control: 6, failure: 'replica-4 does not run; restart it' });
    expect(await ask(9)).toEqual({ control: 6, failure: 'there is no replica 9' });
    expect(await answerControl(stage, 'hello')).toBeUndefined();
  });
});
