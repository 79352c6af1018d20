import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { serialize } from '../../src/soap/index.js';
import { contextToXml } from '../../src/soap/messages/index.js';
import { until } from '../support/cluster.js';
import { ACTIVITY, ParticipantFixture } from './participant-fixture.js';
import { FakeCluster } from './fake-cluster.js';
import { ownIdentity } from '../../src/client/index.js';
import { participantOfStream, participantStream } from '../../src/contract/index.js';

const PROGRAM = join('test', 'client', 'kill-participant.mjs');
const BUILT = join('dist', 'client', 'index.js');

let fakes: FakeCluster;
let at: ParticipantFixture;
let child: ChildProcess | undefined;
let lines: string[];
/** What it registered. */
let address: string | undefined;

beforeAll(async () => {
  // `npm test` builds first.
  expect(existsSync(BUILT)).toBe(true);
  fakes = await FakeCluster.make();
}, 60_000);
afterAll(() => fakes.close());
beforeEach(async () => {
  at = await ParticipantFixture.make(fakes);
  lines = [];
  address = undefined;
});
afterEach(async () => {
  await kill();
  await at.close();
  expect(at.equivocations()).toEqual([]);
});

/** Starts the participant; from the second time on at the address that it registered. */
function start(mode = ''): void {
  const port = address === undefined ? '0' : new URL(address).port;
  const args = [PROGRAM, BUILT, fakes.dir, join(at.dir, 'participant.db'), port, serialize(contextToXml(at.context())), mode];
  child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const before = lines;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    lines = [...before, ...output.split('\n').slice(0, -1)];
    address ??= lines.find((line) => line.startsWith('listening '))?.slice('listening '.length);
  });
}

async function kill(): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'close');
  child.kill('SIGKILL');
  await gone;
  expect(child.signalCode).toBe('SIGKILL');
}

const awaited = (question: () => boolean | Promise<boolean>, what: string): Promise<void> =>
  until(
    () => {
      // 0: it said all that it had to say.
      if ((child?.exitCode ?? 0) !== 0) throw new Error(`the participant ended with ${child?.exitCode} before: ${what}`);
      return question();
    },
    what,
    30_000,
  );

const said = (line: string, times = 1): Promise<void> =>
  awaited(() => lines.filter((one) => one === line).length >= times, `${times} times: ${line}`);

/** Commands of two replicas, until they get through: the participant may be down. */
async function command(name: string): Promise<void> {
  const stream = participantStream(ACTIVITY, '', ownIdentity(fakes.keys('participant')).writer);
  const enrollment = { activity: ACTIVITY, participant: participantOfStream(stream) };
  const target = { enrollment, service: at.registered() };
  const sent = (): Promise<boolean> =>
    at.command(target, name).then(
      (outcome) => outcome === 'accepted',
      () => false,
    );
  await awaited(sent, name);
}

test('a participant killed in a handler runs it again, and reports under the number that follows', async () => {
  start('hang');
  await said('completed');
  await command('Close');
  await said('close begins');
  await kill();
  expect(at.heard(1, 'Closed')).toEqual([]);
  start();
  await said('close begins', 2);
  await said('ended by Closed');
  await at.everywhere('Closed');
  const number = at.heard(1, 'Closed')[0]?.headers.find(({ name }) => name === 'Sequence')?.children;
  expect(number).toMatchObject([{ name: 'Number', children: ['3'] }]);
}, 90_000);

test('a participant killed between a request and its answers sends exactly that request again', async () => {
  // One replica alone answers, so that no request is ever settled.
  for (const id of [1, 2, 3]) fakes.replica(id).script = () => new Promise(() => undefined);
  start();
  await awaited(() => [1, 2, 3].every((id) => at.heard(id, 'Register').length > 0), 'Register');
  await kill();
  for (const one of fakes.replicas) one.script = (message) => at.answer(message);
  start();
  await said('completed');
  // Whatever moment this is, in handler, report or answer.
  await command('Close');
  await kill();
  start();
  await said('ended by Closed');
  await kill();
  // The end is remembered: it only says it again.
  start();
  await said('ended by Closed', 2);
  const runs = lines.filter((line) => line === 'close begins').length;
  await command('Close');
  await at.everywhere('Closed');
  expect(lines.filter((line) => line === 'close begins').length).toBe(runs);
}, 90_000);
