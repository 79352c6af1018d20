import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePorts } from '../../src/config/ports.js';
import { concordat, RunningCommand } from '../support/command.js';
import { exampleFile, Program } from './program.js';

const root = mkdtempSync(join(tmpdir(), 'concordat-orders-'));
const dir = join(root, 'cluster');
const data = join(root, 'data');
const running = new Map<string, Program>();
let cluster: RunningCommand;
let ports: readonly number[];

const PARTNERS = {
  warehouse: ['--protocol', 'ParticipantCompletion', '--stock', '3'],
  carrier: ['--work-ms', '800'],
} as const;
type Partner = keyof typeof PARTNERS;
const NAMES: readonly Partner[] = ['warehouse', 'carrier'];

const portOf = (name: Partner, which: 0 | 1): string => String(ports[2 * NAMES.indexOf(name) + which]);

/** Starts a participant, or starts it again. */
async function start(name: Partner): Promise<Program> {
  const args = [dir, name, '--data', data, '--port', portOf(name, 0), '--business-port', portOf(name, 1), ...PARTNERS[name]];
  const program = new Program(process.execPath, [exampleFile('participant/participant.mjs'), ...args]);
  running.set(name, program);
  await program.until({ ready: true });
  return program;
}

function order(number: string): Program {
  const urls = NAMES.flatMap((name) => [`--${name}`, `http://127.0.0.1:${portOf(name, 1)}/orders`]);
  const args = [dir, '--order', number, '--store', join(root, 'shop.db'), ...urls];
  return new Program(process.execPath, [exampleFile('initiator/initiator.mjs'), ...args]);
}

const bookOf = (name: Partner): { stock: number; orders: Record<string, { state: string }> } =>
  JSON.parse(readFileSync(join(data, `${name}.json`), 'utf8')) as ReturnType<typeof bookOf>;

const stateOf = (name: Partner, number: string): string | undefined =>
  Object.entries(bookOf(name).orders).find(([key]) => key.startsWith(`${number}@`))?.[1].state;

beforeAll(async () => {
  const clients = ['shop=initiator', 'warehouse=participant', 'carrier=participant'].flatMap((client) => ['--client', client]);
  await concordat('init', dir, ...clients);
  ports = await freePorts(4, '127.0.0.1');
  cluster = new RunningCommand('cluster', dir);
  await cluster.line();
  await Promise.all(NAMES.map(start));
}, 60_000);

afterAll(async () => {
  await Promise.all([...running.values()].map((program) => program.stop()));
  await cluster.stop();
  rmSync(root, { recursive: true, force: true });
});

describe('the example programs', () => {
  test('compile against the types of the package', async () => {
    const config = exampleFile('tsconfig.json');
    const tsc = exampleFile('../node_modules/typescript/bin/tsc');
    await expect(promisify(execFile)(process.execPath, [tsc, '-p', config])).resolves.toMatchObject({ stdout: '' });
  }, 60_000);

  test('an order goes through, and the same order again is the same activity', async () => {
    const first = order('1');
    expect([await first.exited, first.story()]).toEqual([0, expect.stringContaining('"outcome":"closed"')]);
    const { participants } = await first.until({ outcome: 'closed' });
    expect(participants).toEqual({ warehouse: 'Closed', carrier: 'Closed' });
    expect(NAMES.map((name) => stateOf(name, '1'))).toEqual(['delivered', 'delivered']);

    const again = order('1');
    expect(await again.exited).toBe(0);
    expect(again.events[0]).toEqual(first.events[0]);
    expect(bookOf('warehouse').stock).toBe(2);
  }, 60_000);

  test('a participant killed in the middle of its work does it again, once', async () => {
    const shop = order('2');
    const before = running.get('carrier');
    await before?.until({ working: true, order: /^2@/ });
    await before?.stop('SIGKILL');
    expect(before?.events.at(-1)).toMatchObject({ working: true });
    const after = await start('carrier');
    expect([await shop.exited, shop.story()]).toEqual([0, expect.stringContaining('"outcome":"closed"')]);
    const { order: key } = await after.until({ order: /^2@/, ended: 'Closed' });
    expect(after.events.filter(({ order: one }) => one === key)).toEqual([
      { order: key, working: true },
      { order: key, held: true },
      { order: key, ended: 'Closed', state: 'delivered' },
    ]);
    expect(bookOf('carrier').stock).toBe(8);
  }, 60_000);

  test('an initiator killed before its decision carries on with the same activity', async () => {
    const killed = order('3');
    const { activity } = await killed.until({ order: '3' });
    await Promise.all(NAMES.map((takesPart) => killed.until({ takesPart })));
    await killed.stop('SIGKILL');
    const again = order('3');
    expect([await again.exited, again.story()]).toEqual([0, expect.stringContaining('"outcome":"closed"')]);
    expect(again.events[0]).toMatchObject({ activity });
    expect(bookOf('warehouse').stock).toBe(0);
  }, 60_000);

  test('when the warehouse is empty, the order is canceled and the carrier gives back what it held', async () => {
    const shop = order('4');
    expect([await shop.exited, shop.story()]).toEqual([1, expect.stringContaining('"outcome":"canceled"')]);
    const { participants } = await shop.until({ outcome: 'canceled' });
    expect(participants).toMatchObject({ warehouse: 'CannotComplete' });
    expect(stateOf('carrier', '4')).toBe('given back');
    expect(bookOf('carrier').stock).toBe(7);
  }, 60_000);
});
