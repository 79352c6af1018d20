import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ClusterStatus } from '../../src/cli/cluster-status.js';
import { loadClientKeys, loadCluster, loadReplicaKeys } from '../../src/config/index.js';
import { freePorts } from '../../src/config/ports.js';
import { pathOf, SERVED } from '../../src/contract/index.js';
import { silentLogger } from '../../src/log.js';
import {
  type Credentials,
  type Edge,
  type EdgeAnswer,
  el,
  NS,
  Signer,
  startEdge,
  TrustStore,
  type VerifiedMessage,
  Verifier,
} from '../../src/soap/index.js';
import { bundled, serveDescription } from '../../src/soap/wsdl.js';
import { encodeNotification, messageAt } from '../../src/soap/messages/index.js';
import { until } from '../support/cluster.js';
import { concordat, RunningCommand } from '../support/command.js';
import { type Event, exampleFile, Program } from './program.js';

// Debian's python3-zeep and python3-xmlsec belong to Debian's own Python.
const PYTHON = '/usr/bin/python3';

const root = mkdtempSync(join(tmpdir(), 'concordat-zeep-'));
const dir = join(root, 'cluster');
const flows: Program[] = [];
let cluster: RunningCommand;
let port: number;

beforeAll(async () => {
  await concordat('init', dir, '--client', 'florist=initiator+participant');
  [port = 0] = await freePorts(1, '127.0.0.1');
  cluster = new RunningCommand('cluster', dir);
  await cluster.line();
}, 60_000);

afterAll(async () => {
  await Promise.all(flows.map((flow) => flow.stop()));
  await cluster.stop();
  rmSync(root, { recursive: true, force: true });
});

/** Runs examples/zeep/flow.py for an order. */
const flow = (order: string, ...more: string[]): Program => flowIn(dir, order, ...more);

function flowIn(where: string, order: string, ...more: string[]): Program {
  const args = ['--client', 'florist', '--order', order, '--data', join(root, `data-${order}`), '--port', String(port), ...more];
  const program = new Program(PYTHON, ['-B', exampleFile('zeep/flow.py'), where, ...args]);
  flows.push(program);
  return program;
}

/** Answers everything, with replica 1's own key: one-way messages with a 202 that is not true, requests with an empty answer. */
const startLiar = (): Promise<Edge> =>
  startEdge({
    host: '127.0.0.1',
    port: 0,
    verifier: new Verifier(new TrustStore(loadCluster(dir).authorityPems), { clockWindowMs: 300_000 }),
    signer: new Signer(loadReplicaKeys(loadCluster(dir), 1)),
    paths: new Set(SERVED.map(pathOf)),
    handle: ({ path, message }) => Promise.resolve(lie(path, message)),
    get: (path, query, base) => {
      const endpoint = SERVED.find((served) => pathOf(served) === path);
      return endpoint && serveDescription(bundled, endpoint, query, base + path);
    },
    log: silentLogger,
    clock: Date.now,
  });

function lie(path: string, { body, addressing, soapVersion }: VerifiedMessage): EdgeAnswer {
  const entry = SERVED.filter((endpoint) => pathOf(endpoint) === path).flatMap((endpoint) => messageAt(endpoint, body) ?? [])[0];
  if (entry?.kind !== 'request') return { kind: 'accepted' };
  const { action, body: name } = entry.response;
  const relatesTo = addressing.messageId === undefined ? {} : { relatesTo: addressing.messageId };
  return {
    kind: 'reply',
    message: { soapVersion, addressing: { action, ...relatesTo }, headers: [], body: el(name.ns, name.name) },
  };
}

/** The cluster's directory as a client sees it that reaches the liar at the place of replica 1. */
async function misdirected(url: string): Promise<string> {
  const copy = join(root, 'misdirected');
  await concordat('export', dir, '--client', 'florist', '--to', copy);
  const file = join(copy, 'cluster.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as { replicas: { url: string }[] };
  writeFileSync(
    file,
    JSON.stringify({ ...config, replicas: config.replicas.map((one, i) => (i === 0 ? { ...one, url } : one)) }),
  );
  return copy;
}

const sent = (program: Program): unknown[] =>
  program.events.filter((event: Event) => 'sent' in event).map(({ sent: name, number }) => [name, number]);

const WHOLE_FLOW = [
  ['CreateCoordinationContextOperation', 1],
  ['getCoordinationContextWithMatchcode', 1],
  ['RegisterOperation', 1],
  ['CompletedOperation', 2],
  ['closeAllParticipants', 2],
  ['ClosedOperation', 3],
];

const status = async (): Promise<ClusterStatus> => JSON.parse((await concordat('status', dir, '--json')).stdout) as ClusterStatus;

describe('zeep', () => {
  test.each([
    ['through one replica, which passes everything on', '1', ['--replica', '3']],
    ['believing only what enough replicas say alike', '2', ['--agreement']],
  ])(
    'creates, joins, completes and closes an activity %s',
    async (_how, order, flags) => {
      const program = flow(order, ...flags);
      expect([await program.exited, program.story()]).toEqual([0, expect.stringContaining('"outcome":"Closed"')]);
      expect(sent(program)).toEqual(WHOLE_FLOW);
    },
    90_000,
  );

  test('killed in the middle, it sends the same requests again and goes on', async () => {
    const killed = flow('3');
    const { activity } = await killed.until({ activity: /^urn:uuid:/ });
    await killed.until({ sent: 'CompletedOperation' });
    await killed.stop('SIGKILL');
    const again = flow('3');
    expect([await again.exited, again.story()]).toEqual([0, expect.stringContaining('"outcome":"Closed"')]);
    await expect(again.until({ activity })).resolves.toBeDefined();
    expect(sent(again)).toEqual(WHOLE_FLOW);
  }, 120_000);

  test('with agreement it comes through although replica 1 lies to it; believing replica 1 it does not', async () => {
    const liar = await startLiar();
    try {
      const where = await misdirected(liar.url);
      const program = flowIn(where, '4', '--agreement', '--replica', '2');
      expect([await program.exited, program.story()]).toEqual([0, expect.stringContaining('"outcome":"Closed"')]);
      expect(sent(program)).toEqual(WHOLE_FLOW);
      const misled = flowIn(where, '5');
      expect(await misled.exited).toBe(1);
      expect(sent(misled)).toEqual(WHOLE_FLOW.slice(0, 1));
    } finally {
      await liar.close();
    }
  }, 90_000);

  test('nobody was caught saying two things, and all replicas agree', async () => {
    await until(async () => new Set(statesOf(await status())).size === 1, 'equal states of all four');
    expect((await status()).evidence).toEqual([]);
  }, 60_000);
});

const statesOf = ({ replicas }: ClusterStatus): unknown[] =>
  replicas.map((replica) => (replica.up ? replica.status.state : replica));

describe('what examples/zeep believes of a message', () => {
  const close = (by: Credentials, at = Date.now()): string =>
    new Signer(by).sign(
      {
        soapVersion: '1.1',
        addressing: { to: 'http://127.0.0.1:1/participant', action: `${NS.wsba}/Close`, messageId: 'urn:uuid:1' },
        headers: [],
        body: encodeNotification('Close'),
      },
      at,
    );

  function open(...texts: string[]): unknown[] {
    const script = fileURLToPath(new URL('open.py', import.meta.url));
    const { stdout, stderr } = spawnSync(PYTHON, [script, dir], { input: JSON.stringify(texts), encoding: 'utf8' });
    expect(stderr).toBe('');
    return JSON.parse(stdout) as unknown[];
  }

  test('a replica’s own words, and nobody else’s', () => {
    const replica = loadReplicaKeys(loadCluster(dir), 2);
    const [good, foreign] = open(close(replica), close(loadClientKeys(dir, 'florist')));
    expect(good).toEqual({ replica: 2, action: `${NS.wsba}/Close`, messageId: 'urn:uuid:1' });
    expect(foreign).toEqual({ refused: expect.stringContaining('no replica') });
  });

  const soapBody = /<soap:Body.*<\/soap:Body>/;
  const changes: readonly (readonly [string, (message: string) => string])[] = [
    ['another Body', (message) => message.replaceAll('wsba:Close', 'wsba:Cancel')],
    ['another header', (message) => message.replace('urn:uuid:1<', 'urn:uuid:2<')],
    ['an unsigned header', (message) => message.replace('</soap:Header>', '<x:Order xmlns:x="urn:x">1</x:Order></soap:Header>')],
    [
      'the signed Body moved aside for another one',
      (message) => {
        const [body = ''] = soapBody.exec(message) ?? [];
        const forged = body.replace('wsba:Close', 'wsba:Cancel').replace(/wsu:Id="[^"]*"/, 'wsu:Id="forged"');
        return message
          .replace(soapBody, forged)
          .replace('</soap:Header>', `<w:Wrap xmlns:w="urn:w">${body}</w:Wrap></soap:Header>`);
      },
    ],
    ['the same Id twice', (message) => message.replace('</wsse:Security>', '<x Id="c-body"/></wsse:Security>')],
    ['a comment', (message) => message.replace('</soap:Header>', '<!-- --></soap:Header>')],
    ['a DOCTYPE', (message) => `<!DOCTYPE x>${message}`],
    ['no signature', (message) => message.replace(/<ds:Signature .*<\/ds:Signature>/, '')],
    ['a weaker algorithm', (message) => message.replace('xmldsig-more#rsa-sha256', 'xmldsig-more#rsa-md5')],
    ['no XML', () => 'not at all'],
  ];

  test.each(changes)('not with %s', (_what, change) => {
    const good = close(loadReplicaKeys(loadCluster(dir), 1));
    const changed = change(good);
    expect(changed).not.toBe(good);
    expect(open(good, changed)).toEqual([expect.objectContaining({ replica: 1 }), { refused: expect.any(String) }]);
  });

  test('not after its time', () => {
    const old = close(loadReplicaKeys(loadCluster(dir), 1), Date.now() - 3_600_000);
    expect(open(old)).toEqual([{ refused: expect.stringContaining('old') }]);
  });
});
