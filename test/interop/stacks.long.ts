import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { freePorts } from '../../src/config/ports.js';
import { TrustStore, Verifier } from '../../src/soap/index.js';
import { type Event, Program } from '../examples/program.js';
import { until } from '../support/cluster.js';
import { clusterOptions, InteropCluster, type KeyType } from './cluster.js';
import { commandsTo, post } from './forgeries.js';
import { signedByGsoap } from './gsoap-ecdsa.js';
import { build, type Stack, STACKS } from './stacks.js';

const BUILD_MS = 180_000;
const FLOW_MS = 90_000;
const SOAP_VERSIONS = ['1.1', '1.2'] as const;
const KEY_TYPES: readonly KeyType[] = ['rsa', 'ec'];

const root = mkdtempSync(join(tmpdir(), 'concordat-stacks-'));
const builds = new Map<string, Promise<readonly string[]>>();

/** The command of a stack's program, built once. */
function commandOf(stack: Stack): Promise<readonly string[]> {
  const known = builds.get(stack.name) ?? build(stack, root);
  builds.set(stack.name, known);
  return known;
}

afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What every program has to report, in this order, whatever stack it is written for. */
const flowOf = (fault: string): readonly unknown[] => [
  { sent: 'CreateCoordinationContext', number: 1 },
  { sent: 'getCoordinationContextWithMatchcode', number: 1 },
  { sent: 'Register', number: 1 },
  { sent: 'completeParticipants', number: 2 },
  { told: 'Complete' },
  { sent: 'Completed', number: 2 },
  { state: 'Completed' },
  { sent: 'closeAllParticipants', number: 3 },
  { told: 'Close' },
  { sent: 'Closed', number: 3 },
  { state: 'Ended', endedBy: 'Closed' },
  { fault, code: 'InvalidState', concordat: 'InvalidState', retryable: false },
];

/** Beside the flow a program says where it listens, whom it distrusts, and what was refused. */
const ASIDE = ['listening', 'distrusts', 'refused'];
const flow = (events: readonly Event[]): Event[] => events.filter((event) => ASIDE.every((name) => !(name in event))).map(named);

/** Stacks call operations as the WSDLs do; some are called like their message with `Operation` after it. */
function named(event: Event): Event {
  if (typeof event.sent !== 'string') return event;
  return { sent: event.sent.replace(/Operation$/, ''), number: event.number };
}

const ANSWERS_OF_REPLICA_1 = flowOf('').filter(
  (event) => typeof event === 'object' && event !== null && 'sent' in event && !/^(Completed|Closed)$/.test(String(event.sent)),
).length;

describe.each(KEY_TYPES)('with %s keys', (keyType) => {
  const stacks = STACKS.filter((stack) => stack.keyTypes.includes(keyType));
  let cluster: InteropCluster;
  let running: Program | undefined;

  beforeAll(async () => {
    cluster = await InteropCluster.start(
      keyType,
      stacks.map(({ name }) => name),
    );
  }, 60_000);

  afterEach(() => running?.stop());
  afterAll(() => cluster.stop());

  describe.each(stacks)('$name', (stack) => {
    test(
      'is installed, and its program is built of the WSDLs',
      async () => {
        expect(await commandOf(stack)).not.toHaveLength(0);
      },
      BUILD_MS,
    );

    test.each(SOAP_VERSIONS)(
      'in SOAP %s: an activity to its end from both sides, although one replica’s answers are forged, and a fault',
      async (soapVersion) => {
        const [command = '', ...args] = await commandOf(stack);
        const dir = await cluster.exportTo(stack.name, `${stack.name}-${soapVersion}`);
        const [port = 0] = await freePorts(1, '127.0.0.1');
        const about = stack.readsClusterFile ? [] : clusterOptions(dir);
        const options = ['--client', stack.name, '--soap', soapVersion, '--port', String(port), ...about];
        const program = new Program(command, [...args, dir, ...options]);
        running = program;

        const { listening } = await program.until({ listening: /^http:/ });
        const { genuine, forged } = commandsTo(String(listening), stack.name, cluster.dir);
        expect(await post(String(listening), genuine)).toBe(202);
        for (const [what, envelope] of forged) {
          const status = await post(String(listening), envelope);
          expect([what, status >= 400]).toEqual([what, true]);
        }

        expect([await program.exited, program.story()]).toEqual([0, expect.any(String)]);
        expect(flow(program.events)).toEqual(flowOf(stack.fault));
        const distrusted = program.events.filter((event) => 'distrusts' in event);
        expect(new Set(distrusted.map((event) => event.distrusts))).toEqual(new Set([1]));
        expect(distrusted.length).toBeGreaterThanOrEqual(ANSWERS_OF_REPLICA_1);
      },
      FLOW_MS,
    );
  });

  test('nobody was caught saying two things, and all replicas agree', async () => {
    await until(async () => {
      const { agree, replicas } = await cluster.status();
      return agree && new Set(replicas.map((replica) => (replica.up ? replica.status.state : replica.error))).size === 1;
    }, 'equal states of all four');
    expect((await cluster.status()).evidence).toEqual([]);
  }, 60_000);
});

test(
  'gSOAP’s ECDSA is not that of XML Signature: its value is DER, and a replica refuses it',
  async () => {
    const stack = STACKS.find(({ name }) => name === 'gsoap');
    if (stack === undefined) throw new Error('there is no such stack');
    const [port = 0] = await freePorts(1, '127.0.0.1');
    const { authorityPem, envelope } = await signedByGsoap(await commandOf(stack), join(root, 'ecdsa'), port);
    expect(envelope).toContain('http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256');
    const [, value = ''] = /<ds:SignatureValue>([^<]*)</.exec(envelope) ?? [];
    // A SEQUENCE of two INTEGERs, where there should be 64 bytes and nothing else.
    expect(Buffer.from(value, 'base64').subarray(0, 1).toString('hex')).toBe('30');
    expect(Buffer.from(value, 'base64').length).toBeGreaterThan(64);
    const verifier = new Verifier(new TrustStore([authorityPem]), { clockWindowMs: 300_000 });
    expect(() => verifier.verify(envelope, Date.now())).toThrow(expect.objectContaining({ code: 'SignatureInvalid' }));
  },
  BUILD_MS,
);
