import { describe, expect, test } from '@jest/globals';
import { createSigner, createVerifier, ownIdentity } from '../../src/client/index.js';
import { createAuthority } from '../../src/config/index.js';
import { decodeParticipantList, encodeParticipantList, type ParticipantEntry } from '../../src/soap/messages/index.js';

const authority = await createAuthority('Test', Date.now());
const credentials = await authority.issue({ commonName: 'replica-1', roles: ['replica'] });

const entry = (i: number): ParticipantEntry => ({
  matchcode: `invitation ${i}`,
  participantId: `urn:uuid:${String(i).padStart(8, '0')}-0000-8000-8000-000000000000`,
  status: 'Ended',
  resultState: 'Completed',
  endedBy: 'Closed',
  protocol: 'http://docs.oasis-open.org/ws-tx/wsba/2006/06/CoordinatorCompletion',
  writer: ownIdentity(credentials).writer,
  certificate: 'A'.repeat(1_200),
});

describe('what a client accepts as an answer', () => {
  test('has room for a list of a thousand participants with their certificates', () => {
    const participants = Array.from({ length: 1_000 }, (_, i) => entry(i));
    const xml = createSigner(credentials).sign(
      {
        soapVersion: '1.1',
        addressing: { action: 'urn:list' },
        headers: [],
        body: encodeParticipantList({ operation: 'listParticipants', participants }),
      },
      Date.now(),
    );
    expect(xml.length).toBeGreaterThan(1024 * 1024);
    const message = createVerifier([authority.certificatePem]).verify(xml, Date.now());
    expect(decodeParticipantList(message.body).participants).toEqual(participants);
  });
});
