import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signedWsdlClient } from '../../src/client/index.js';
import type { SignedWsdlClientOptions } from '../../src/client/index.js';
import { encodeSequence } from '../../src/soap/messages/index.js';
import { NS } from '../../src/soap/index.js';
import { LocalCluster } from '../support/cluster.js';

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await LocalCluster.make();
}, 60_000);
afterAll(() => cluster.close());

const replica = (id: number): string => cluster.cluster.replicas[id - 1]?.url ?? '';
const options = (changes: Partial<SignedWsdlClientOptions> = {}): SignedWsdlClientOptions => ({
  credentials: cluster.keys('initiator'),
  authorities: cluster.cluster.authorityPems,
  headers: () => [encodeSequence({ number: 1, created: Date.now() })],
  ...changes,
});
const create = async (settings: SignedWsdlClientOptions): Promise<unknown> => {
  const signed = await signedWsdlClient(`${replica(2)}/activation?wsdl`, settings);
  const method: unknown = signed.client['CreateCoordinationContextOperationAsync'];
  if (typeof method !== 'function') throw new Error('the WSDL has no such operation');
  const answer: unknown = await (method.call(signed.client, {
    CoordinationType: `${NS.wsba}/AtomicOutcome`,
  }) as Promise<unknown>);
  expect(signed.lastReply?.identity.name).toBe('replica-2');
  return Array.isArray(answer) ? answer[0] : undefined;
};

describe('a client made from a replica’s WSDL', () => {
  for (const soapVersion of ['1.1', '1.2'] as const) {
    test(`sends signed SOAP ${soapVersion} and reads the signed answer`, async () => {
      const settings = options(soapVersion === '1.2' ? { soapVersion } : {});
      expect(await create(settings)).toMatchObject({
        CoordinationContext: {
          Identifier: expect.stringMatching(/^urn:uuid:/) as unknown,
          CoordinationType: `${NS.wsba}/AtomicOutcome`,
        },
      });
    }, 20_000);
  }

  test('refuses an answer from somebody it did not ask', async () => {
    await expect(create(options({ accepts: ({ identity }) => identity.name === 'replica-1' }))).rejects.toMatchObject({
      code: 'NotAuthorized',
    });
  }, 20_000);

  test('reports a fault with its stable code', async () => {
    await expect(create(options({ headers: () => [] }))).rejects.toThrow(/SequenceHeaderRequired/);
  }, 20_000);
});
