import { describe, expect, test } from '@jest/globals';
import { decodeCertificate, DEFAULT_BROADCAST_LIMITS } from '../../src/bft/index.js';
import { decodeFrame, encodeFrame } from '../../src/bft/frames.js';
import { Votes } from '../../src/bft/votes.js';
import { Random } from '../support/random.js';
import { allEqual, CREATE, everywhere, ledger, makeCluster, states, submitTo, survivesRandomFaults } from './ledger-cluster.js';
import { proofOf, request } from './ledger-service.js';

describe('source-ordered broadcast', () => {
  test('delivers at all replicas within one round trip of votes', () => {
    const cluster = makeCluster(1);
    cluster.network = { loss: 0, duplicate: 0, minDelay: 1, maxDelay: 1 };
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(1);
    expect(states(cluster)).toEqual(Array(4).fill('[["ann/d1/create",["create"]]]'));
  });

  test('takes exactly one more message delay on a control stream', () => {
    const cluster = makeCluster(1);
    cluster.network = { loss: 0, duplicate: 0, minDelay: 1, maxDelay: 1 };
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(2);
    submitTo(cluster, everywhere(cluster), request('ann/d1/control', 1, 'x'));
    cluster.run(1);
    expect(ledger(cluster, 1).streams.has('ann/d1/control')).toBe(false);
    cluster.run(1);
    for (const id of everywhere(cluster)) expect(ledger(cluster, id).streams.get('ann/d1/control')).toEqual(['x']);
  });

  test.each([
    [4, 1],
    [7, 2],
  ])('with n = %i it masks f = %i silent replicas', (n, f) => {
    const cluster = makeCluster(2, { n, f });
    for (let i = 0; i < f; i++) cluster.crash(n - i);
    const up = everywhere(cluster).slice(0, n - f);
    submitTo(cluster, up, CREATE);
    for (let k = 1; k <= 5; k++) submitTo(cluster, up, request('bob/d1/plain', k, `p${k}`));
    cluster.run(500);
    for (const id of up) expect(ledger(cluster, id).streams.get('bob/d1/plain')).toEqual(['p1', 'p2', 'p3', 'p4', 'p5']);
  });

  test('with one replica fewer than n − f nothing is delivered', () => {
    const cluster = makeCluster(3);
    cluster.crash(4);
    cluster.crash(3);
    submitTo(cluster, [1, 2], CREATE);
    cluster.run(3_000);
    expect(states(cluster)).toEqual(Array(4).fill('[]'));
  });

  test('delivers a stream in its order, whatever order it was sent in', () => {
    const cluster = makeCluster(4);
    for (const k of [4, 2, 3, 1]) submitTo(cluster, everywhere(cluster), request('bob/d1/plain', k, `p${k}`));
    cluster.run(100);
    expect(states(cluster)).toEqual(Array(4).fill('[]'));
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(500);
    for (const id of everywhere(cluster))
      expect(ledger(cluster, id).streams.get('bob/d1/plain')).toEqual(['p1', 'p2', 'p3', 'p4']);
  });

  test('says what a request waits for', () => {
    const cluster = makeCluster(4);
    const [answer] = submitTo(cluster, [1], request('bob/d1/plain', 2, 'p2'));
    expect(answer).toEqual({ outcome: 'open', waiting: { code: 'PredecessorMissing', waitsFor: ['bob/d1/plain#1'] } });
  });

  test('passes a request on that was sent to one replica only', () => {
    const cluster = makeCluster(5);
    submitTo(cluster, [3], CREATE);
    cluster.run(400);
    expect(states(cluster)).toEqual(Array(4).fill('[["ann/d1/create",["create"]]]'));
  });

  test('answers a repeat as delivered and refuses another request for the position, keeping both as evidence', () => {
    const cluster = makeCluster(6);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(100);
    expect(cluster.submit(1, CREATE, proofOf(CREATE))).toEqual({ outcome: 'delivered' });
    const other = request('ann/d1/create', 1, 'something else');
    expect(cluster.submit(1, other, proofOf(other))).toMatchObject({ outcome: 'refused', code: 'NumberAlreadyUsed' });
    expect(cluster.node(1).broadcast.evidence()).toMatchObject([
      { kind: 'writer', writer: 'ann', stream: 'ann/d1/create', number: 1 },
    ]);
  });

  test('refuses a request from someone who is not the stream’s writer, without evidence against anybody', () => {
    const cluster = makeCluster(7);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(100);
    const stolen = request('ann/d1/create', 1, 'mine', 'eve');
    expect(cluster.submit(2, stolen, proofOf(stolen))).toMatchObject({ outcome: 'refused', code: 'NotTheWriter' });
    expect(cluster.node(2).broadcast.evidence()).toEqual([]);
  });

  test('a refused request is not voted for and leaves the number free', () => {
    const cluster = makeCluster(8);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(100);
    const bad = request('bob/d1/plain', 1, 'forbidden');
    for (const answer of submitTo(cluster, everywhere(cluster), bad))
      expect(answer).toMatchObject({ outcome: 'refused', code: 'Forbidden' });
    submitTo(cluster, everywhere(cluster), request('bob/d1/plain', 1, 'allowed'));
    cluster.run(200);
    expect(ledger(cluster, 1).streams.get('bob/d1/plain')).toEqual(['allowed']);
  });

  test('an equivocating writer harms only its own stream and is caught', () => {
    const cluster = makeCluster(9);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(100);
    submitTo(cluster, [1, 2], request('eve/d1/control', 1, 'close'));
    submitTo(cluster, [3, 4], request('eve/d1/control', 1, 'cancel'));
    submitTo(cluster, everywhere(cluster), request('bob/d1/plain', 1, 'fine'));
    cluster.run(5_000);
    for (const id of everywhere(cluster)) {
      expect(ledger(cluster, id).streams.get('eve/d1/control')).toBeUndefined();
      expect(ledger(cluster, id).streams.get('bob/d1/plain')).toEqual(['fine']);
      expect(cluster.node(id).broadcast.evidence()).toMatchObject([{ kind: 'writer', writer: 'eve' }]);
    }
  });

  test('a writer that misleads only one replica is followed by all, that one included', () => {
    const cluster = makeCluster(10);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(100);
    submitTo(cluster, [4], request('eve/d1/plain', 1, 'b'));
    submitTo(cluster, [1, 2, 3], request('eve/d1/plain', 1, 'a'));
    cluster.run(2_000);
    for (const id of everywhere(cluster)) expect(ledger(cluster, id).streams.get('eve/d1/plain')).toEqual(['a']);
    for (const id of [1, 2, 3]) expect(cluster.node(id).broadcast.evidence()).toMatchObject([{ kind: 'writer', writer: 'eve' }]);
  });

  test('a replica that votes for two requests at one position is named, with both signed statements', () => {
    const cluster = makeCluster(11);
    const liar = cluster.node(4);
    const votes = new Votes({ cluster: cluster.cluster, n: 4, f: 1, verifier: { verify: () => true } });
    liar.tamper = (to, frame) => {
      const decoded = decodeFrame(frame, DEFAULT_BROADCAST_LIMITS, 4);
      if (decoded.type !== 'votes') return [frame];
      const lies = decoded.batch.statements.map((statement) => ({
        ...statement,
        digest: '0'.repeat(64) as typeof statement.digest,
      }));
      const { batch } = votes.sign(4, liar.signer, lies);
      return to === 1 ? [encodeFrame({ type: 'votes', batch, certificates: [] })] : [frame];
    };
    submitTo(cluster, everywhere(cluster), CREATE);
    for (let k = 1; k <= 10; k++) submitTo(cluster, everywhere(cluster), request('bob/d1/plain', k, `p${k}`));
    cluster.run(3_000);
    allEqual(cluster, [1, 2, 3]);
    const evidence = [1, 2, 3].flatMap((id) => cluster.node(id).broadcast.evidence());
    expect(evidence.length).toBeGreaterThan(0);
    const check = new Votes({
      cluster: cluster.cluster,
      n: 4,
      f: 1,
      verifier: { verify: (_r, data, signature) => liar.signer.sign(data).equals(signature) },
    });
    for (const item of evidence) {
      if (item.kind !== 'replica') throw new Error('the writer is honest');
      expect(item.replica).toBe(4);
      expect(item.first.digest).not.toBe(item.second.digest);
      expect(check.verifyAttestation(item.first, item.first.attestation)).toBe(true);
      expect(check.verifyAttestation(item.second, item.second.attestation)).toBe(true);
    }
  });

  test('keeps its vote across a restart', () => {
    const cluster = makeCluster(12);
    for (const id of [2, 3, 4]) cluster.cutLink(1, id);
    cluster.submit(1, CREATE, proofOf(CREATE));
    cluster.crash(1);
    cluster.restart(1);
    const other = request('ann/d1/create', 1, 'changed my mind');
    expect(cluster.submit(1, other, proofOf(other))).toMatchObject({ outcome: 'refused', code: 'NumberAlreadyUsed' });
    cluster.heal();
    cluster.run(2_000);
    expect(states(cluster)).toEqual(Array(4).fill('[["ann/d1/create",["create"]]]'));
  });

  test('a replica that was away catches up from the delivery logs of its peers, with certificates', () => {
    const cluster = makeCluster(13);
    cluster.crash(2);
    const up = [1, 3, 4];
    submitTo(cluster, up, CREATE);
    for (let k = 1; k <= 700; k++) {
      submitTo(cluster, up, request(`w${k % 7}/d1/plain`, Math.ceil(k / 7), `p${k}`));
      cluster.run(4);
    }
    cluster.restart(2);
    cluster.run(3_000);
    allEqual(cluster);
    const stored = cluster.node(2).disk.delivered({ stream: 'w3/d1/plain', number: 50 });
    const certificate = stored && decodeCertificate(stored.certificate, DEFAULT_BROADCAST_LIMITS, 4);
    expect(certificate?.attestations.length).toBe(3);
  });

  test('all replicas stopped at once come back with everything and go on', () => {
    const cluster = makeCluster(14);
    submitTo(cluster, everywhere(cluster), CREATE);
    for (let k = 1; k <= 5; k++) submitTo(cluster, everywhere(cluster), request('ann/d1/control', k, `c${k}`));
    cluster.run(7);
    for (const id of everywhere(cluster)) cluster.crash(id);
    cluster.run(100);
    for (const id of everywhere(cluster)) cluster.restart(id);
    for (let k = 1; k <= 5; k++) submitTo(cluster, everywhere(cluster), request('ann/d1/control', k, `c${k}`));
    cluster.run(2_000);
    for (const id of everywhere(cluster))
      expect(ledger(cluster, id).streams.get('ann/d1/control')).toEqual(['c1', 'c2', 'c3', 'c4', 'c5']);
  });

  test('random frames are counted and dropped', () => {
    const cluster = makeCluster(15);
    const random = new Random(15);
    for (let i = 0; i < 2_000; i++) cluster.node(1).broadcast.receive(2, random.bytes(random.below(200)), 0);
    const ready = cluster.node(1).broadcast.flush();
    expect(ready.malformed.length).toBeGreaterThan(1_900);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(100);
    allEqual(cluster);
  });

  test('a peer that votes for endless streams is bounded, and harms nobody', () => {
    const cluster = makeCluster(16, { limits: { maxOpenPositionsPerPeer: 100 } });
    const votes = new Votes({ cluster: cluster.cluster, n: 4, f: 1, verifier: { verify: () => true } });
    const digest = 'ab'.repeat(32) as never;
    for (let i = 0; i < 40; i++) {
      const statements = Array.from({ length: 250 }, (_, k) => ({
        round: 'echo' as const,
        stream: `x${i}-${k}/d/plain`,
        number: 1,
        digest,
      }));
      const { batch } = votes.sign(4, cluster.node(4).signer, statements);
      cluster.send(4, 1, encodeFrame({ type: 'votes', batch, certificates: [] }));
    }
    cluster.run(50);
    expect(cluster.node(1).broadcast.status().tracked).toBeLessThanOrEqual(100);
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(100);
    allEqual(cluster);
  });

  test('requests in flight are bounded for each writer, and no longer count once they are delivered', () => {
    const cluster = makeCluster(18, { limits: { maxOpenPerWriter: 2 } });
    submitTo(cluster, everywhere(cluster), CREATE);
    cluster.run(100);
    const alone = ['a', 'b', 'c'].map((name) => submitTo(cluster, [1], request(`bob/d1${name}/create`, 1, 'x'))[0]);
    expect(alone).toMatchObject([{ outcome: 'open' }, { outcome: 'open' }, { outcome: 'refused', code: 'TooManyRequests' }]);
    cluster.run(1_000);
    expect(submitTo(cluster, [1], request('bob/d1c/create', 1, 'x'))).toMatchObject([{ outcome: 'open' }]);
    cluster.crash(1);
    cluster.restart(1);
    cluster.run(1_000);
    for (const name of ['d', 'e'])
      expect(submitTo(cluster, [1], request(`bob/d1${name}/create`, 1, 'x'))).toMatchObject([{ outcome: 'open' }]);
  });

  test('waiting requests are bounded in bytes', () => {
    const cluster = makeCluster(19, { limits: { maxPendingBytes: 1_000 } });
    const answers = [2, 3].map((k) => submitTo(cluster, [1], request('bob/d1/plain', k, 'x'.repeat(300)))[0]);
    expect(answers).toMatchObject([{ outcome: 'open' }, { outcome: 'refused', code: 'Busy' }]);
  });

  test('waiting requests are bounded for each writer', () => {
    const cluster = makeCluster(17, { limits: { maxPendingPerWriter: 3 } });
    const answers = [2, 3, 4, 5].map((k) => submitTo(cluster, [1], request('bob/d1/plain', k, 'p'))[0]);
    expect(answers.map((answer) => answer?.outcome)).toEqual(['open', 'open', 'open', 'refused']);
    expect(answers[3]).toMatchObject({ code: 'TooManyRequests' });
  });
});

describe('under random faults', () => {
  test.each(Array.from({ length: 40 }, (_, i) => i + 100))(
    'seed %i: agreement, source order and totality hold',
    survivesRandomFaults,
  );
});
