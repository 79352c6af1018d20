import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ClusterStatus } from '../../src/cli/cluster-status.js';
import { awaitReady, type ReplicaProcess, spawnReplica, stopAll } from '../../src/cli/processes.js';
import { type Enrollment, Initiator, type KeyPair, Participant, startEdge } from '../../src/client/index.js';
import { certificateFingerprint, loadClientKeys, loadCluster } from '../../src/config/index.js';
import { until } from '../support/cluster.js';
import { CONCORDAT, concordat } from '../support/command.js';

const root = mkdtempSync(join(tmpdir(), 'concordat-keys-'));
const dir = join(root, 'cluster');
const replicas = new Map<number, ReplicaProcess>();
const logs = new Map<number, string[]>();
const opened: { close(): Promise<void> }[] = [];
let participant: Participant | undefined;
/** Its port stays the same. */
let participantPort = 0;

type Invitation = Parameters<Participant['register']>[0];

/** Runs a command that must succeed. */
async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await concordat(...args);
  if (code !== 0) throw new Error(`concordat ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function start(id: number): Promise<void> {
  const lines: string[] = [];
  logs.set(id, lines);
  const replica = spawnReplica(CONCORDAT, dir, id, ['--log-level', 'info'], (line) => lines.push(line));
  replicas.set(id, replica);
  await awaitReady(replica, 30_000);
}

const statusOf = async (): Promise<ClusterStatus> =>
  JSON.parse((await concordat('status', dir, '--json')).stdout) as ClusterStatus;

const allEqual = async (): Promise<boolean> => {
  const { agree, replicas: reports } = await statusOf();
  const states = reports.map((report) => (report.up ? `${report.status.state} ${report.status.deliveries}` : 'down'));
  return agree && new Set(states).size === 1 && states[0] !== 'down';
};

/** How often a replica has read its configuration, or refused to. */
const readings = (id: number, message = 'the configuration was read again'): number =>
  (logs.get(id) ?? []).filter((line) => line.includes(message)).length;

/** Until all replicas have read a changed configuration: by themselves. */
async function reread(change: () => Promise<unknown>): Promise<void> {
  const before = new Map([...replicas.keys()].map((id) => [id, readings(id)]));
  await change();
  await until(() => [...before].every(([id, count]) => readings(id) > count), 'the replicas have read it again', 20_000);
}

async function openInitiator(credentials: KeyPair, store = ':memory:', timeoutMs = 20_000): Promise<Initiator> {
  const initiator = await Initiator.open({ cluster: dir, credentials, store, timeoutMs });
  opened.push(initiator);
  return initiator;
}

/** One that gives up soon, because it is going to be refused. */
const openRefused = (name: string): Promise<Initiator> => openInitiator(loadClientKeys(dir, name), ':memory:', 3_000);

/** Why all replicas refuse to create an activity. */
const refusalOf = (initiator: Initiator, name: string): Promise<string> =>
  initiator.createActivity({ name, outcome: 'atomic' }).then(
    () => 'none',
    (error: unknown) => String(error),
  );

/** Starts the participant, or starts it again: it serves HTTPS, and reads cluster.json. */
async function openParticipant(): Promise<void> {
  const keys = loadClientKeys(dir, 'bank');
  const port = participantPort;
  await participant?.close();
  const done = (): Promise<void> => Promise.resolve();
  const handlers = { complete: done, close: done, cancel: done, compensate: done };
  participant = await Participant.open({
    ...{ cluster: dir, credentials: keys, store: join(root, 'participant.db'), handlers },
    listen: { host: '127.0.0.1', port },
    tls: keys,
    ports: {
      startEdge: async (options) => {
        const edge = await startEdge(options);
        participantPort = edge.port;
        return edge;
      },
    },
  });
}

/** Tells the participant to take part. */
function register(invitation: Invitation, key: string): Promise<Enrollment> {
  if (participant === undefined) throw new RangeError('no participant');
  return participant.register(invitation, { key, protocol: 'ParticipantCompletion' });
}

const enroll = async (
  initiator: Initiator,
  name: string,
): Promise<[Awaited<ReturnType<Initiator['createActivity']>>, Enrollment]> => {
  const activity = await initiator.createActivity({ name, outcome: 'atomic' });
  const enrollment = await register(await activity.invite('room'), name);
  return [activity, enrollment];
};

/** One activity from its creation to its end; gives how it ended. */
async function book(initiator: Initiator, name: string): Promise<string> {
  const [activity, enrollment] = await enroll(initiator, name);
  await enrollment.completed();
  await activity.close();
  return (await enrollment.ended()).by;
}

/** The fingerprint of the certificate that an https URL shows. */
const shownAt = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), ca: [...loadCluster(dir).authorityPems] }, () => {
      resolve(certificateFingerprint(new X509Certificate(socket.getPeerCertificate().raw)));
      socket.destroy();
    });
    socket.once('error', reject);
  });

beforeAll(async () => {
  await run('init', dir, '--https');
  const password = join(dir, 'keys/bank.p12.password');
  writeFileSync(password, 'secret\n');
  const bank = ['--name', 'bank', '--role', 'participant', '--host', '127.0.0.1', '--algorithm', 'p-384'];
  await run('keys', 'issue', dir, ...bank, '--pkcs12', '--password-file', password);
  await Promise.all([1, 2, 3, 4].map(start));
  await openParticipant();
}, 60_000);
afterAll(async () => {
  await Promise.all([...opened, ...(participant === undefined ? [] : [participant])].map((one) => one.close()));
  await stopAll([...replicas.values()]);
  rmSync(root, { recursive: true, force: true });
});

describe('a cluster that serves HTTPS', () => {
  test('takes an activity from its creation to its end, with a participant whose PKCS#12 key serves HTTPS too', async () => {
    const initiator = await openInitiator(loadClientKeys(dir, 'initiator'));
    expect(await book(initiator, 'first')).toBe('Closed');
    await until(allEqual, 'equal states of all four');
    const { replicas: reports } = await statusOf();
    expect(reports.map((report) => report.up && report.status.activities.total)).toEqual([1, 1, 1, 1]);
  }, 60_000);

  test('is asked for its health with its authority', async () => {
    const url = loadCluster(dir).replicas[0]?.url ?? '';
    expect(await run('health', url, '--ca', join(dir, 'ca.pem'))).toBe('ok\n');
    expect((await concordat('health', url)).stderr).toContain('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });
});

describe('keys rotate', () => {
  test('gives replica 2 a new key while activities run; none is lost', async () => {
    const initiator = await openInitiator(loadClientKeys(dir, 'initiator'));
    const url = loadCluster(dir).replicas[1]?.url ?? '';
    const before = await shownAt(url);
    const ended: string[] = [];
    let rotated = false;
    const bookings = Promise.all(
      ['a', 'b'].map(async (name) => {
        for (let i = 0; i < 3 || !rotated; i += 1) ended.push(await book(initiator, `${name}${i}`));
      }),
    );
    await until(() => ended.length > 0, 'the first booking', 20_000);
    await reread(() => run('keys', 'rotate', dir, '--replica', '2', '--algorithm', 'p-256'));
    const after = await shownAt(url);
    expect(after).not.toBe(before);
    expect(after).toBe(loadCluster(dir).replicas[1]?.fingerprint);
    const count = ended.length;
    await until(() => ended.length >= count + 2, 'bookings after the rotation', 30_000);
    rotated = true;
    await bookings;
    expect(new Set(ended)).toEqual(new Set(['Closed']));
    await reread(() => run('keys', 'rotate', dir, '--replica', '2', '--finish'));
    await until(allEqual, 'equal states of all four', 20_000);
    const { replicas: reports } = await statusOf();
    expect(reports.map((report) => report.up && report.status.activities.total)).toEqual(Array(4).fill(ended.length + 1));
  }, 120_000);

  test('and that key counts: with another replica down, peers believe replica 2, and so do clients that were started again', async () => {
    await openParticipant();
    await stopAll([...replicas.values()].filter(({ id }) => id === 3));
    const initiator = await openInitiator(loadClientKeys(dir, 'initiator'));
    expect(await book(initiator, 'without three')).toBe('Closed');
    await start(3);
    await until(allEqual, 'equal states of all four', 20_000);
  }, 60_000);

  test('gives a client a new key, with which it goes on with what it began', async () => {
    const store = join(root, 'initiator.db');
    const before = await openInitiator(loadClientKeys(dir, 'initiator'), store);
    const [, enrollment] = await enroll(before, 'half');
    await enrollment.completed();
    await before.close();
    const old = loadClientKeys(dir, 'initiator');
    await run('keys', 'rotate', dir, '--client', 'initiator', '--algorithm', 'p-256');
    const fresh = loadClientKeys(dir, 'initiator');
    expect(fresh.certificatePem).not.toBe(old.certificatePem);
    const after = await openInitiator(fresh, store);
    const [activity] = after.activities();
    await activity?.close();
    expect(await enrollment.ended()).toEqual({ by: 'Closed' });
  }, 60_000);
});

describe('keys revoke', () => {
  test('refuses a certificate at running replicas, and the next one without another reload', async () => {
    await run('keys', 'issue', dir, '--name', 'thief', '--role', 'initiator');
    const thief = await openRefused('thief');
    await thief.createActivity({ name: 'before', outcome: 'atomic' });
    await reread(() => run('keys', 'revoke', dir, '--client', 'thief'));
    expect(await refusalOf(thief, 'after')).toContain('CertificateRevoked');
    const honest = await openInitiator(loadClientKeys(dir, 'initiator'));
    expect(await book(honest, 'honest')).toBe('Closed');
    // The list changes, cluster.json does not: replicas look at it by themselves.
    await run('keys', 'issue', dir, '--name', 'second', '--role', 'initiator', '--algorithm', 'p-256');
    const second = await openRefused('second');
    await second.createActivity({ name: 'before', outcome: 'atomic' });
    await run('keys', 'revoke', dir, '--client', 'second');
    let turn = 0;
    const refusal = (): Promise<string> => refusalOf(second, `after ${(turn += 1)}`);
    await until(async () => (await refusal()).includes('CertificateRevoked'), 'the second is refused', 30_000);
  }, 90_000);

  test('a list that cannot be read refuses everybody, until it can', async () => {
    const path = join(dir, 'ca.crl');
    const list = readFileSync(path);
    const initiator = await openRefused('initiator');
    writeFileSync(path, 'nonsense');
    let turn = 0;
    const refusal = (): Promise<string> => refusalOf(initiator, `x${(turn += 1)}`);
    await until(async () => (await refusal()).includes('RevocationUnknown'), 'everybody is refused', 30_000);
    writeFileSync(path, list);
    expect(await book(await openInitiator(loadClientKeys(dir, 'initiator')), 'again')).toBe('Closed');
    const complaints = [...logs.values()].flat().filter((line) => line.includes('a revocation list cannot be relied upon'));
    expect(complaints.length).toBeGreaterThanOrEqual(2);
    expect(complaints[0]).toContain('ca.crl');
  }, 90_000);
});

describe('cluster.json', () => {
  const path = join(dir, 'cluster.json');
  const edit = (change: (config: { security: Record<string, unknown> }) => void): void => {
    const config = JSON.parse(readFileSync(path, 'utf8')) as { security: Record<string, unknown> };
    change(config);
    writeFileSync(path, JSON.stringify(config));
  };

  test('says where replicas may send: what names another place is refused, and nothing is lost', async () => {
    const initiator = await openInitiator(loadClientKeys(dir, 'initiator'));
    const [activity, enrollment] = await enroll(initiator, 'in between');
    await reread(() => Promise.resolve(edit(({ security }) => (security['development'] = false))));
    const invitation = await activity.invite('second');
    const refused = register(invitation, 'refused');
    await expect(refused).rejects.toMatchObject({ code: 'DestinationRefused' });
    await enrollment.completed();
    await activity.close(undefined, { waitMs: 1_000 });
    // What is decided waits for the place to be allowed again.
    await reread(() => Promise.resolve(edit(({ security }) => (security['development'] = true))));
    expect(await enrollment.ended()).toEqual({ by: 'Closed' });
  }, 90_000);

  test('that is wrong is not taken over; SIGHUP reads it at once', async () => {
    const good = readFileSync(path);
    const failed = 'the changed configuration is not taken over';
    const [before, taken] = [readings(1, failed), readings(1)];
    edit(({ security }) => (security['algorithms'] = { signatures: ['rsa-sha1'] }));
    replicas.get(1)?.child.kill('SIGHUP');
    await until(() => readings(1, failed) > before, 'a complaint');
    const line = (logs.get(1) ?? []).find((text) => text.includes(failed)) ?? '';
    expect(line).toContain('security.algorithms.signatures must be of rsa-sha256');
    // So is an authority that is none.
    writeFileSync(path, good);
    const authority = readFileSync(join(dir, 'ca.pem'));
    writeFileSync(join(dir, 'ca.pem'), `${authority.toString()}\n${readFileSync(join(dir, 'keys/initiator.pem'), 'utf8')}`);
    replicas.get(1)?.child.kill('SIGHUP');
    await until(() => readings(1, failed) > before + 1, 'another complaint');
    writeFileSync(join(dir, 'ca.pem'), authority);
    replicas.get(1)?.child.kill('SIGHUP');
    await until(() => readings(1) > taken, 'it was read');
    expect(await book(await openInitiator(loadClientKeys(dir, 'initiator')), 'last')).toBe('Closed');
  }, 60_000);
});

describe('wrong use', () => {
  test.each([
    ['say either --client NAME, or --replica N', ['keys', 'rotate', dir]],
    ['replica 2 has one certificate only', ['keys', 'rotate', dir, '--replica', '2', '--finish']],
    ['is already there', ['keys', 'issue', dir, '--name', 'bank', '--role', 'participant']],
    ['must be of initiator, participant, operator', ['keys', 'issue', dir, '--name', 'x', '--role', 'replica']],
    ['needs a password', ['keys', 'issue', dir, '--name', 'x', '--role', 'initiator', '--pkcs12']],
    ['give it a new one first', ['keys', 'revoke', dir, '--certificate', join(dir, 'replica-1/replica.pem')]],
  ])('is told in one clear line, with exit code 2: %s', async (complaint, args) => {
    const { code, stderr } = await concordat(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^concordat: \w+: .*\n$/);
    expect(stderr).toContain(complaint);
  });
});
