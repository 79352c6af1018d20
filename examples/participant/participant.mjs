// @ts-check
// A participant: a warehouse or a carrier that takes orders, and keeps or undoes its part when two replicas say so.
//
//   node examples/participant/participant.mjs DIR NAME --data FOLDER --port PORT --business-port PORT
//
// DIR has cluster.json and keys/NAME.pem; --port is where replicas reach it and must stay the same. It may be killed at any moment:
// the next start carries on. docs/participants.md explains it line by line.
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  ConcordatError,
  createLogger,
  createSigner,
  createVerifier,
  el,
  loadClientKeys,
  loadCluster,
  Participant,
  startEdge,
} from 'concordat';
import { Book } from './book.mjs';

const ORDERS = 'urn:example:orders';

const { positionals, values: flags } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: '.' },
    port: { type: 'string', default: '0' },
    'business-port': { type: 'string', default: '0' },
    /** ParticipantCompletion: it knows itself when its work is done. CoordinatorCompletion: the initiator says that no more comes. */
    protocol: { type: 'string', default: 'CoordinatorCompletion' },
    stock: { type: 'string', default: '10' },
    /** How long the work takes, to be able to watch it. */
    'work-ms': { type: 'string', default: '0' },
  },
});
const [dir, name] = positionals;
if (dir === undefined || name === undefined) throw new Error('usage: participant.mjs DIR NAME --data FOLDER --port PORT');
const protocol = flags.protocol === 'ParticipantCompletion' ? 'ParticipantCompletion' : 'CoordinatorCompletion';

mkdirSync(flags.data, { recursive: true });
const book = new Book(join(flags.data, `${name}.json`), Number(flags.stock));
const log = createLogger(name, 'warn');

/** One JSON line for each thing that happened. @param {Record<string, unknown>} event */
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

/** The work itself. It may have been begun before, so it must do nothing twice. @param {import('concordat').Enrollment} enrollment */
async function setAside({ key }) {
  say({ order: key, working: true });
  await sleep(Number(flags['work-ms']));
  const held = book.hold(key);
  say({ order: key, held });
  return held;
}

// What the coordinator tells us. Each may run again after a crash, and runs again until it succeeds.
const cluster = loadCluster(dir);
const credentials = loadClientKeys(dir, name);
const participant = await Participant.open({
  cluster,
  credentials,
  store: join(flags.data, `${name}.db`),
  listen: { host: '127.0.0.1', port: Number(flags.port) },
  log,
  handlers: {
    // CoordinatorCompletion only. When it returns, Completed is sent, unless something else was reported.
    complete: async (enrollment) => {
      if (!(await setAside(enrollment))) await enrollment.cannotComplete();
    },
    close: ({ key }) => Promise.resolve(book.deliver(key)),
    cancel: ({ key }) => Promise.resolve(book.giveBack(key)),
    compensate: ({ key }) => Promise.resolve(book.giveBack(key)),
  },
  onInvalidState: ({ enrollment, message }) => say({ order: enrollment.key, passedOver: message }),
});

/** ParticipantCompletion: work, then report. @param {import('concordat').Enrollment} enrollment */
async function workAndReport(enrollment) {
  try {
    if (await setAside(enrollment)) await enrollment.completed();
    else await enrollment.cannotComplete();
  } catch (error) {
    // A Cancel came first: then the cancel handler has given back what we held, and there is nothing to report.
    if (error instanceof ConcordatError && error.code === 'InvalidState') return;
    // NoQuorum: the report is on disk and goes out as soon as replicas answer.
    log.warn({ order: enrollment.key, err: error }, 'the report is still under way');
  }
}

/** @type {Set<string>} */
const begun = new Set();

/** Everything there is to do for an order that the coordinator knows of; after a restart, too. @param {import('concordat').Enrollment} enrollment */
function carryOn(enrollment) {
  const { key } = enrollment;
  if (begun.has(key)) return;
  begun.add(key);
  enrollment.ended().then(
    ({ by }) => say({ order: key, ended: by, state: book.state(key) }),
    (error) => log.info({ order: key, err: error }, 'not over yet; the next start carries on'),
  );
  if (enrollment.protocol === 'ParticipantCompletion' && enrollment.state === 'Active') void workAndReport(enrollment);
}

for (const enrollment of participant.enrollments()) {
  // Work starts only after the registration was acknowledged; the book knows. For others the shop will ask again.
  if (enrollment.state !== 'Ended' && book.state(enrollment.key) !== 'asked') carryOn(enrollment);
}

/**
 * An order, within the activity of the wscoor:CoordinationContext that came with it under the same signature. The same order
 * again gives the same answer.
 * @param {import('concordat').VerifiedMessage} message
 */
async function takeOrder(message) {
  const { identity, addressing, body, soapVersion } = message;
  if (!identity.roles.has('initiator')) throw new ConcordatError('NotAuthorized', `${identity.name} is not an initiator`);
  if (body.ns !== ORDERS || body.name !== 'Order') throw new ConcordatError('ActionNotSupported', body.name);
  const { number, item } = Object.fromEntries(body.attributes.map((attribute) => [attribute.name, attribute.value]));
  if (number === undefined || item === undefined) throw new ConcordatError('InvalidParameters', 'Order needs number and item');
  // Orders are told apart by who asks, too, so that no shop can spoil another's.
  const key = `${number}@${createHash('sha256').update(identity.writer).digest('hex').slice(0, 16)}`;
  book.ask(key, item);
  const enrollment = await participant.register(message, { key, protocol });
  book.enlist(key);
  carryOn(enrollment);
  return {
    kind: /** @type {const} */ ('reply'),
    message: {
      soapVersion,
      addressing: { action: `${ORDERS}/OrderResponse`, ...(addressing.messageId && { relatesTo: addressing.messageId }) },
      headers: [],
      body: el(ORDERS, 'OrderResponse', { number }),
    },
  };
}

const business = await startEdge({
  host: '127.0.0.1',
  port: Number(flags['business-port']),
  verifier: createVerifier(cluster.authorityPems),
  signer: createSigner(credentials),
  paths: new Set(['/orders']),
  handle: ({ message }) => takeOrder(message),
  log,
  clock: Date.now,
});

for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
  process.once(signal, () => void Promise.all([business.close(), participant.close()]));
}
say({ ready: true, name, orders: `${business.url}/orders`, participant: participant.url });
