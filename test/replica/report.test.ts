import { expect, test } from '@jest/globals';
import { type Request, requestDigest } from '../../src/bft/index.js';
import { createStream, invitationOf } from '../../src/contract/index.js';
import { CoordinationService } from '../../src/replica/index.js';
import { encodeOperation } from '../../src/replica/operation.js';
import { summarize } from '../../src/replica/report.js';
import { NS } from '../../src/soap/index.js';
import { type CoordinationContext, encodeActivity, encodeCreateCoordinationContext } from '../../src/soap/messages/index.js';
import { activityId } from '../../src/wsba/index.js';

const CLUSTER = 'reported';
const LIMITS = { clockWindowMs: 300_000, maxActivitiesPerWriter: 10, maxParticipantsPerActivity: 10 };
const ATOMIC = `${NS.wsba}/AtomicOutcome`;

function create(messageId: string, extra: { expires?: number; currentContext?: CoordinationContext }): Request {
  const body = encodeCreateCoordinationContext({ coordinationType: ATOMIC, extensions: [], ...extra });
  const stream = createStream('CN=Agency', messageId, extra.currentContext && invitationOf(extra.currentContext));
  const payload = encodeOperation({ action: 'urn:create', messageId, references: [], body, created: 1_000 });
  return { stream, number: 1, writer: 'CN=Agency', payload };
}

test('an operator sees how long an activity lives and which one it lies in', () => {
  const service = new CoordinationService(LIMITS, () => 1_000);
  const deliver = (request: Request): string => {
    const digest = requestDigest(CLUSTER, request);
    service.deliver(request, digest);
    return activityId(digest);
  };
  const outer = deliver(create('urn:outer', { expires: 60_000 }));
  const registrationService = {
    address: 'http://127.0.0.1:9/registration',
    referenceParameters: [encodeActivity(outer)],
    extensions: [],
  };
  const context = { identifier: outer, coordinationType: ATOMIC, registrationService, extensions: [] };
  const inner = deliver(create('urn:inner', { currentContext: context }));

  const shown = summarize({ service, stateOf: (_activity, participant) => participant.state }, 10);
  expect(shown.find(({ id }) => id === outer)).toMatchObject({ expires: 60_000, participants: [{ state: 'Active' }] });
  expect(shown.find(({ id }) => id === outer)).not.toHaveProperty('inside');
  expect(shown.find(({ id }) => id === inner)).toMatchObject({ inside: outer, participants: [] });
  expect(shown.find(({ id }) => id === inner)).not.toHaveProperty('expires');
});
