import { describe, expect, test } from '@jest/globals';
import type { ClusterStatus, ReplicaReport, WaitingAt } from '../../src/cli/cluster-status.js';
import type { ReplicaStatus } from '../../src/replica/index.js';
import { describe as linesOf } from '../../src/cli/status.js';
import { status } from '../travel/page/fixture.js';

const waiting = (over: Partial<WaitingAt> = {}): WaitingAt => ({
  activity: 'urn:uuid:a',
  stream: 'control',
  number: 3,
  operation: 'closeAllParticipants',
  code: 'NotEnabled',
  waitsFor: ['urn:uuid:p'],
  waitsForOmitted: 0,
  replicas: [1, 2],
  ...over,
});

const cluster = (over: Partial<ClusterStatus> = {}): ClusterStatus => ({
  agree: true,
  contradictions: [],
  replicas: [{ id: 1, url: 'http://r1', up: true, status: status(1, { waiting: [] }) }],
  evidence: [],
  waiting: [],
  ...over,
});

const waitingLines = (over: Partial<ClusterStatus>): string[] =>
  linesOf(cluster(over)).filter((line) => line.startsWith('Waiting'));

const NOON = Date.UTC(2026, 0, 2, 12);
const LATER = NOON + 60_000;
const upWith = (id: number, over: Partial<ReplicaStatus>): ReplicaReport => ({
  id,
  url: '',
  up: true,
  status: status(id, { waiting: [], ...over }),
});

describe('concordat status names', () => {
  const recovery = { since: NOON, votesFrom: LATER, abstains: 3, over: false } as const;

  test.each([
    ['starting', { voting: false, startedAt: NOON }, 'Starting: replica 2 since 2026-01-02T12:00:00.000Z: it asks its peers'],
    [
      'recovering',
      { recovery: { ...recovery, reason: 'votes-lost' } },
      'Recovering: replica 2 since 2026-01-02T12:00:00.000Z: its database has lost votes',
    ],
    [
      'recovering',
      { recovery: { ...recovery, reason: 'store-set-aside' } },
      'its database was damaged and set aside; it votes in activities created after 2026-01-02T12:01:00.000Z, and abstains in 3 that are open',
    ],
    ['recovering', { recovery: { ...recovery, reason: 'asked-to' } }, 'its operator said so (--recover)'],
    [
      'lagging',
      { lagging: { since: NOON, requests: 256 } },
      'Lagging: replica 2 since 2026-01-02T12:00:00.000Z: it lacks 256 or more requests',
    ],
    [
      'disk full',
      { diskFull: { since: NOON } },
      'Disk full: replica 2 since 2026-01-02T12:00:00.000Z: it neither votes nor answers',
    ],
  ] as const)('a replica that is %s, with the reason and since when', (word, over, line) => {
    const lines = linesOf(cluster({ replicas: [upWith(1, {}), upWith(2, over)] }));
    expect(lines.find((text) => text.startsWith('1 '))).toMatch(/^1 +up /);
    expect(lines.find((text) => text.startsWith('2 '))).toMatch(new RegExp(`^2 +${word} `));
    expect(lines.filter((text) => text.includes(line))).toHaveLength(1);
  });

  test('nobody when all is well, or well again', () => {
    const over = { recovery: { ...recovery, reason: 'votes-lost', over: true } } as const;
    const lines = linesOf(cluster({ replicas: [upWith(1, {}), upWith(2, over)] }));
    expect(lines.slice(3)).toEqual(['Replicas that are equally far hold equal states.']);
  });

  test('a replica that sends what makes no sense, and to whom', () => {
    const peers = [{ replica: 4, connected: true, behind: 0, malformed: 2 }];
    const lines = linesOf(cluster({ replicas: [upWith(1, { peers }), upWith(2, { peers })] }));
    expect(lines.at(-1)).toBe('Malformed: replica 4 sent frames that make no sense: 2 to replica 1, 2 to replica 2');
  });

  test('whoever contradicted itself, since when, and what it signed', () => {
    const statement = { says: 'echo for ab', signed: 'proof' };
    const evidence = { kind: 'replica', who: 'replica 3', since: NOON, stream: 's', number: 7 } as const;
    const lines = linesOf(cluster({ evidence: [{ ...evidence, statements: [statement, statement] }] }));
    expect(lines).toContain('Caught: replica 3 contradicted itself at s number 7 (known since 2026-01-02T12:00:00.000Z):');
    expect(lines).toContain('  signed: echo for ab\n    proof');
  });
});

describe('the text of concordat status', () => {
  test('has no line about waiting when nothing waits', () => {
    expect(waitingLines({})).toEqual([]);
  });

  test('says what waits, where, for whom, and at which replicas', () => {
    const report = {
      stream: 'participant',
      participant: 'urn:uuid:p',
      number: 2,
      operation: 'Canceled',
      waitsFor: ['Cancel'],
    } as const;
    expect(waitingLines({ waiting: [waiting(), waiting({ ...report, replicas: [4] })] })).toEqual([
      'Waiting: closeAllParticipants (number 3 of the control stream) in urn:uuid:a, for urn:uuid:p [NotEnabled; at replica 1, 2]',
      'Waiting: Canceled (number 2 of the stream of urn:uuid:p) in urn:uuid:a, for Cancel [NotEnabled; at replica 4]',
    ]);
  });

  test('names five things that one request waits for, and counts the others, listed or not', () => {
    const waitsFor = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const [line] = waitingLines({ waiting: [waiting({ waitsFor, waitsForOmitted: 10 })] });
    expect(line).toContain('for a, b, c, d, e, 12 more [');
    expect(waitingLines({ waiting: [waiting({ waitsFor: waitsFor.slice(0, 5) })] })[0]).toContain('for a, b, c, d, e [');
  });

  test('says when replicas left something out', () => {
    const replicas = [1, 2].map((id) => ({ id, url: '', up: true, status: status(id, { waitingOmitted: 7 }) }) as const);
    expect(waitingLines({ replicas })).toEqual(['Waiting: more than is listed (14 left out by the replicas)']);
  });
});
