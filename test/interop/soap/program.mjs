/**
 * A business activity from the soap package, from both sides.
 *
 *     node program.mjs DIR --client NAME --soap 1.1 --port PORT
 *
 * A JSON line for each thing that happens. Numbers are kept in memory only: a program that must survive a crash writes each request
 * down before it is first sent (docs/soap-messages.md).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { C, Conversation, Epr, everything, faultOf } from './client.mjs';
import { Participant } from './participant.mjs';
import { Cluster, only } from './wss.mjs';

const WSCOOR = 'http://docs.oasis-open.org/ws-tx/wscoor/2006/06';
const WSBA = 'http://docs.oasis-open.org/ws-tx/wsba/2006/06';
const PAUSE_MS = 200;
const PATIENCE_MS = 60_000;

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { client: { type: 'string' }, soap: { type: 'string' }, port: { type: 'string' } },
});
const [dir] = positionals;
const keys = {
  certificate: readFileSync(join(dir, 'keys', `${options.client}.pem`), 'utf8'),
  key: readFileSync(join(dir, 'keys', `${options.client}.key`), 'utf8'),
};
const cluster = new Cluster(dir);
const conversation = new Conversation(cluster, keys, options.soap, (replica, why) => say({ distrusts: replica, why }));

/** Sends a numbered request; the numbers of a stream are given one after the other. */
async function send(stream, request) {
  const number = (stream.last = (stream.last ?? 0) + 1);
  const answer = await conversation.ask({ ...request, number });
  say({ sent: request.operation, number });
  return answer;
}

const everybody = cluster.urls.size - cluster.f;

async function run(participant) {
  const [create, control, part] = [{}, {}, {}];

  const created = await send(create, {
    endpoint: 'activation',
    operation: 'CreateCoordinationContextOperation',
    args: { Expires: 900_000, CoordinationType: `${WSBA}/AtomicOutcome` },
    read: everything,
  });
  const initiator = new Epr(only(created.content, C, 'InitiatorService'));
  const onInitiator = (operation, args, read) => ({ endpoint: 'completion', operation, args, read, epr: initiator });

  const invited = await send(
    control,
    onInitiator('getCoordinationContextWithMatchcode', { matchcode: options.client }, everything),
  );
  const context = only(invited.content, WSCOOR, 'CoordinationContext');

  const registered = await send(part, {
    endpoint: 'registration',
    operation: 'RegisterOperation',
    args: { ProtocolIdentifier: `${WSBA}/CoordinatorCompletion`, ParticipantProtocolService: participant.reference() },
    epr: new Epr(only(context, WSCOOR, 'RegistrationService')),
    need: everybody,
    read: everything,
  });
  const coordinator = new Epr(only(registered.content, WSCOOR, 'CoordinatorProtocolService'));
  const id = coordinator.parameters.find(({ localName }) => localName === 'Participant').textContent;
  const notify = (operation) => send(part, { endpoint: 'coordinator', operation, args: {}, epr: coordinator });

  await send(
    control,
    onInitiator('completeParticipants', { participant: [{ ParticipantId: id }] }, () => 'done'),
  );
  await participant.told('Complete');
  say({ told: 'Complete' });
  await notify('CompletedOperation');
  await inState(onInitiator, 'Completed');
  say({ state: 'Completed' });

  await send(
    control,
    onInitiator('closeAllParticipants', { Participant: [id] }, (result) => result.Decision),
  );
  await participant.told('Close');
  say({ told: 'Close' });
  await notify('ClosedOperation');
  const { EndedBy } = await inState(onInitiator, 'Ended');
  say({ state: 'Ended', endedBy: EndedBy });

  // Too late: it was closed.
  try {
    await send(
      control,
      onInitiator('cancelOrCompensateAllParticipants', {}, () => 'done'),
    );
  } catch (error) {
    if (error.root?.Envelope === undefined) throw error;
    say({ fault: 'Error.root', ...faultOf(error) });
  }
}

/** Asks until the participant is in that state. */
async function inState(onInitiator, state) {
  const read = ({ participantList }) => {
    const [{ Status, EndedBy }] = participantList.participant;
    return { state: Status.State.replace(/^.*:/, ''), EndedBy };
  };
  for (const until = Date.now() + PATIENCE_MS; ; await pause(PAUSE_MS)) {
    const { said } = await conversation.ask({ ...onInitiator('listParticipants', {}, read), need: everybody });
    if (said.state === state) return said;
    if (Date.now() > until) throw new Error(`the participant is still ${said.state}`);
  }
}

const participant = await Participant.listen(cluster, options.client, Number(options.port));
say({ listening: participant.url });
try {
  await run(participant);
} finally {
  participant.close();
}
