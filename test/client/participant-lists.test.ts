import { describe, expect, test } from '@jest/globals';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { encodeCertificate, Votes } from '../../src/bft/index.js';
import type { Digest, Statement } from '../../src/bft/index.js';
import { uniteLists } from '../../src/client/participant-lists.js';
import { participantOfStream, participantStream } from '../../src/contract/index.js';
import { NS } from '../../src/soap/index.js';
import type { ParticipantEntry } from '../../src/soap/messages/index.js';

const ACTIVITY = 'urn:uuid:11111111-1111-8111-8111-111111111111';
const KEYS = [1, 2, 3, 4].map(() => generateKeyPairSync('ed25519'));
const votes = new Votes({
  cluster: 'test',
  n: 4,
  f: 1,
  verifier: {
    verify: (replica, data, signature) => {
      const key = KEYS[replica - 1]?.publicKey;
      return key !== undefined && verify(null, data, key, signature);
    },
  },
});
const RULES = { activity: ACTIVITY, n: 4, f: 1, votes };

/** The certificate of a stream's Register, by these replicas. */
function certificate(stream: string, replicas: readonly number[], number = 1): string {
  const statement: Statement = { round: 'echo', stream, number, digest: 'ab'.repeat(32) as Digest };
  const attestations = replicas.flatMap((replica) => {
    const key = KEYS[replica - 1]?.privateKey;
    if (key === undefined) throw new RangeError('no such replica');
    return votes.sign(replica, { sign: (data) => sign(null, data, key) }, [statement]).attestations;
  });
  return encodeCertificate({ ...statement, attestations }).toString('base64');
}

const streamOf = (matchcode: string): string => participantStream(ACTIVITY, matchcode, 'CN=airline | CN=CA');

const entry = (matchcode: string, status: string, changes: Partial<ParticipantEntry> = {}): ParticipantEntry => ({
  matchcode,
  participantId: participantOfStream(streamOf(matchcode)),
  status,
  resultState: 'Active',
  protocol: `${NS.wsba}/ParticipantCompletion`,
  writer: 'CN=airline | CN=CA',
  certificate: certificate(streamOf(matchcode), [1, 2, 3]),
  ...changes,
});

const shown = (lists: readonly (readonly ParticipantEntry[])[]): (readonly unknown[])[] =>
  uniteLists(lists, RULES).map(({ matchcode, state, agreedState, ready }) => [matchcode, state, agreedState, ready]);

describe('the union of participant lists', () => {
  test('has a participant that a single list shows, if it can prove its Register', () => {
    expect(shown([[], [entry('flight', 'Active')], []])).toEqual([['flight', 'Active', undefined, false]]);
  });

  test('has none that a liar invented', () => {
    const stream = streamOf('flight');
    const lies: ParticipantEntry[] = [
      entry('flight', 'Completed', { certificate: 'AAAA' }),
      entry('flight', 'Completed', { certificate: certificate(stream, [1, 2]) }),
      entry('flight', 'Completed', { certificate: certificate(stream, [1, 1, 1]) }),
      entry('flight', 'Completed', { certificate: certificate(stream, [1, 2, 3], 2) }),
      entry('flight', 'Completed', { certificate: certificate(streamOf('room'), [1, 2, 3]) }),
      entry('flight', 'Completed', { participantId: participantOfStream(streamOf('room')) }),
      entry('flight', 'Completed', { writer: 'CN=somebody else | CN=CA' }),
    ];
    for (const lie of lies) expect(shown([[lie], [], []])).toEqual([]);
    const bare = Object.entries(entry('flight', 'Completed')).filter(([name]) => name !== 'certificate');
    expect(shown([[Object.fromEntries(bare) as unknown as ParticipantEntry], [], []])).toEqual([]);
  });

  test('shows what f + 1 lists agree on, else the least advanced', () => {
    expect(shown([[entry('flight', 'Completed')], [entry('flight', 'Completed')], [entry('flight', 'Active')]])).toEqual([
      ['flight', 'Completed', 'Completed', true],
    ]);
    expect(shown([[entry('flight', 'Completed')], [entry('flight', 'Active')]])).toEqual([
      ['flight', 'Active', undefined, false],
    ]);
    expect(shown([[entry('flight', 'Completed')], [entry('flight', 'Ended')], []])).toEqual([
      ['flight', 'Completed', undefined, true],
    ]);
  });

  test('does not count one list twice', () => {
    expect(shown([[entry('flight', 'Completed'), entry('flight', 'Completed')], [entry('flight', 'Active')]])).toEqual([
      ['flight', 'Active', undefined, false],
    ]);
  });

  test('believes how a participant ended only if f + 1 lists say so', () => {
    const exit = entry('flight', 'Ended', { endedBy: 'Exit' });
    const fail = entry('flight', 'Ended', { endedBy: 'Fail', exception: 'NoSeat' });
    expect(uniteLists([[exit], [fail], [fail]], RULES)).toMatchObject([
      { agreedState: 'Ended', endedBy: 'Fail', exception: 'NoSeat' },
    ]);
    expect(uniteLists([[exit], [fail], []], RULES)[0]?.endedBy).toBeUndefined();
  });
});
