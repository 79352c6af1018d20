import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CallResult, eprFromXml, NS, referenceParameterHeaders, type XmlElement } from '../../src/soap/index.js';
import { child } from '../../src/soap/xml.js';
import {
  comparableBody,
  decodeCreateCoordinationContextResponse,
  decodeParticipantList,
  decodeRegisterResponse,
  encodeCreateCoordinationContext,
  encodeInitiatorRequest,
  encodeNotification,
  encodeRegister,
  encodeSequence,
  type Epr,
} from '../../src/soap/messages/index.js';
import { signedWsdlClient } from '../../src/client/index.js';
import { askOperator } from '../../src/peers/index.js';
import type { ActivityReport, ActivitySummary } from '../../src/replica/index.js';
import { LocalCluster, until } from '../support/cluster.js';
import { PlainClient } from '../support/soap-client.js';

let cluster: LocalCluster;
let initiator: PlainClient;
let participant: PlainClient;

beforeAll(async () => {
  cluster = await LocalCluster.make();
  initiator = new PlainClient(cluster.cluster, cluster.keys('initiator'));
  participant = new PlainClient(cluster.cluster, cluster.keys('participant'));
}, 30_000);

afterAll(async () => {
  initiator.close();
  participant.close();
  await cluster.close();
});

/** All replicas gave the same reply; returns its Body. */
function agreed(results: readonly CallResult[]): XmlElement {
  const bodies = results.map((result) => {
    if (result.kind !== 'reply')
      throw new Error(result.kind === 'fault' ? `fault ${result.fault.reason} ${result.fault.detail ?? ''}` : 'accepted');
    return result.message.body;
  });
  expect(new Set(bodies.map(comparableBody)).size).toBe(1);
  const [first] = bodies;
  if (first === undefined) throw new Error('no reply');
  return first;
}

/** What the `soap` package makes of CreateCoordinationContextResponse. */
interface Context {
  readonly CoordinationContext: { readonly Identifier: string; readonly RegistrationService: { readonly Address: string } };
}

const PARTICIPANT: Epr = { address: 'http://127.0.0.1:9/participant', referenceParameters: [], extensions: [] };

describe('four replicas and plain signed SOAP', () => {
  test('carry an atomic activity from its creation to its close, with equal answers and equal states', async () => {
    const created = decodeCreateCoordinationContextResponse(
      agreed(
        await initiator.callAll({
          endpoint: 'activation',
          body: encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/AtomicOutcome`, extensions: [] }),
          sequence: { number: 1, created: Date.now() },
        }),
      ),
    );
    const extension = created.extensions.find((element) => element.name === 'InitiatorService');
    if (extension === undefined) throw new Error('no initiator service');
    const control = referenceParameterHeaders(eprFromXml(extension));

    const invited = decodeCreateCoordinationContextResponse(
      agreed(
        await initiator.callAll({
          endpoint: 'completion',
          body: encodeInitiatorRequest({ operation: 'getCoordinationContextWithMatchcode', matchcode: 'flight' }),
          headers: control,
          sequence: { number: 1 },
        }),
      ),
    );
    const registered = decodeRegisterResponse(
      agreed(
        await participant.callAll({
          endpoint: 'registration',
          body: encodeRegister({
            protocolIdentifier: `${NS.wsba}/ParticipantCompletion`,
            participantProtocolService: PARTICIPANT,
            extensions: [],
          }),
          headers: referenceParameterHeaders(invited.context.registrationService),
          sequence: { number: 1 },
        }),
      ),
    );
    const coordinator = referenceParameterHeaders(registered.coordinatorProtocolService);
    const notify = (message: 'Completed' | 'Closed', number: number) =>
      participant.callAll({
        endpoint: 'coordinator',
        body: encodeNotification(message),
        headers: coordinator,
        sequence: { number },
      });
    expect((await notify('Completed', 2)).map((result) => result.kind)).toEqual(Array(4).fill('accepted'));

    const list = async () =>
      decodeParticipantList(
        agreed(
          await initiator.callAll({
            endpoint: 'completion',
            body: encodeInitiatorRequest({ operation: 'listParticipants' }),
            headers: control,
          }),
        ),
      );
    const [entry] = (await list()).participants;
    expect(entry).toMatchObject({ matchcode: 'flight', status: 'Completed', resultState: 'Completed' });

    const closed = decodeParticipantList(
      agreed(
        await initiator.callAll({
          endpoint: 'completion',
          body: encodeInitiatorRequest({
            operation: 'closeAllParticipants',
            participants: [{ participantId: entry?.participantId ?? '' }],
          }),
          headers: control,
          sequence: { number: 2 },
        }),
      ),
    );
    expect(closed).toMatchObject({ decision: 'close', participants: [{ status: 'Closing' }] });
    expect((await notify('Closed', 3)).map((result) => result.kind)).toEqual(Array(4).fill('accepted'));
    expect((await list()).participants).toMatchObject([{ status: 'Ended', resultState: 'Completed', endedBy: 'Closed' }]);

    await until(() => new Set(cluster.running().map((replica) => replica.status().state)).size === 1, 'equal states');
    for (const replica of cluster.running())
      expect(replica.status()).toMatchObject({ activities: { total: 1, open: 0 }, commands: 0, evidence: [] });
  }, 20_000);

  test('an operator can read what happened in an activity, and which replicas certified it', async () => {
    const [replica] = cluster.cluster.replicas;
    if (replica === undefined) throw new Error('no replica');
    const { peer, fingerprint } = replica;
    const where = { ...peer, fingerprint, credentials: cluster.keys('operator'), authorities: cluster.cluster.authorityPems };
    const ask = (request: object): Promise<unknown> => askOperator({ ...where, request, timeoutMs: 5_000 });
    const { activities } = (await ask({ ask: 'activities' })) as { activities: ActivitySummary[] };
    const participants = [{ matchcode: 'flight', endedBy: 'Closed' }];
    expect(activities).toMatchObject([{ outcome: 'AtomicOutcome', settlement: 'close', ended: true, participants }]);
    const { timeline } = (await ask({ ask: 'activity', activity: activities[0]?.id })) as ActivityReport;
    const told = timeline.map((line) =>
      line.kind === 'command'
        ? `tell ${line.matchcode} ${line.command}`
        : `${line.message} by ${/CN=(\w+)/.exec(line.signer)?.[1] ?? ''}`,
    );
    expect(told).toEqual([
      'CreateCoordinationContext by initiator',
      'getCoordinationContextWithMatchcode by initiator',
      'Register by participant',
      'Completed by participant',
      'closeAllParticipants by initiator',
      'tell flight Close',
      'Closed by participant',
    ]);
    for (const line of timeline) if (line.kind === 'request') expect(line.certifiedBy.length).toBeGreaterThanOrEqual(3);
    await expect(ask({ ask: 'activity', activity: 'urn:uuid:none' })).rejects.toMatchObject({ code: 'UnknownActivity' });
    await expect(ask({ ask: 'for the moon' })).rejects.toMatchObject({ code: 'Usage' });
  });

  test.each(['1.1', '1.2'] as const)(
    'a client that the soap package makes from a served WSDL creates an activity, SOAP %s',
    async (soapVersion) => {
      const { client } = await signedWsdlClient(`${initiator.url(2, 'activation')}?wsdl`, {
        credentials: cluster.keys('initiator'),
        authorities: cluster.cluster.authorityPems,
        soapVersion,
        headers: () => [encodeSequence({ number: 1, created: Date.now() })],
      });
      const create = client['CreateCoordinationContextOperationAsync'] as (request: object) => Promise<[Context]>;
      const [reply] = await create({ CoordinationType: `${NS.wsba}/AtomicOutcome` });
      expect(reply.CoordinationContext.Identifier).toMatch(/^urn:uuid:/);
      expect(reply.CoordinationContext.RegistrationService.Address).toBe(`${cluster.cluster.config.address}/registration`);
    },
  );

  test('a request sent to one replica alone is passed on and answered', async () => {
    const result = await initiator.call(3, {
      endpoint: 'activation',
      body: encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/MixedOutcome`, extensions: [] }),
      sequence: { number: 1, created: Date.now() },
    });
    expect(child(agreed([result]), NS.wscoor, 'CoordinationContext')).toBeDefined();
    await until(() => cluster.running().every((replica) => replica.status().activities.total === 4), 'delivery everywhere');
  });

  test('a replica that was stopped comes back with what it missed', async () => {
    await cluster.stop(2);
    const message = initiator.message({
      endpoint: 'activation',
      body: encodeCreateCoordinationContext({ coordinationType: `${NS.wsba}/AtomicOutcome`, extensions: [] }),
      sequence: { number: 1, created: Date.now() },
    });
    const results = await Promise.all([1, 3, 4].map((id) => initiator.caller.call(initiator.url(id, 'activation'), message)));
    agreed(results);
    await cluster.start(2);
    await until(() => new Set(cluster.running().map((replica) => replica.status().state)).size === 1, 'equal states again');
    expect(cluster.replica(2).status().activities.total).toBe(5);
  }, 20_000);
});
