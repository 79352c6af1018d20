// @ts-check
// An initiator: an order counts only if the warehouse has the goods *and* the carrier has room for them.
//
//   node examples/initiator/initiator.mjs DIR --order 17 --item lamp --store shop.db --warehouse URL --carrier URL
//
// DIR has cluster.json, keys/shop.pem and the partners' certificates. After a crash, or when it says that it could not go on, run it
// again with the same --order: it carries on. docs/initiators.md explains it line by line.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  ConcordatError,
  contextToXml,
  createSigner,
  createVerifier,
  el,
  HttpTransport,
  Initiator,
  loadClientKeys,
  loadCluster,
  ownIdentity,
  SoapCaller,
} from 'concordat';

const ORDERS = 'urn:example:orders';

const { positionals, values: flags } = parseArgs({
  allowPositionals: true,
  options: {
    order: { type: 'string', default: '1' },
    item: { type: 'string', default: 'lamp' },
    store: { type: 'string', default: 'shop.db' },
    warehouse: { type: 'string', default: '' },
    carrier: { type: 'string', default: '' },
    /** How long to wait for partners, and for failures to pass, before the order is given up. */
    'patience-ms': { type: 'string', default: '30000' },
  },
});
const [dir] = positionals;
if (dir === undefined)
  throw new Error('usage: initiator.mjs DIR --order N --item ITEM --store FILE --warehouse URL --carrier URL');
const patienceMs = Number(flags['patience-ms']);

/** @param {Record<string, unknown>} event */
const say = (event) => process.stdout.write(`${JSON.stringify({ order: flags.order, ...event })}\n`);

// A partner is who holds the key of its certificate, wherever its answers come from.
const partners = /** @type {const} */ (['warehouse', 'carrier']).map((name) => {
  const certificatePem = readFileSync(join(dir, 'keys', `${name}.pem`), 'utf8');
  return { name, url: flags[name], writer: ownIdentity({ certificatePem, privateKeyPem: '' }).writer };
});

const cluster = loadCluster(dir);
const credentials = loadClientKeys(dir, 'shop');
const transport = new HttpTransport({ timeoutMs: 20_000 });
const caller = new SoapCaller({
  signer: createSigner(credentials),
  verifier: createVerifier(cluster.authorityPems),
  transport,
  clock: Date.now,
});

/**
 * Repeats a step that failed for a reason that may pass. Every step here may be repeated: names and matchcodes say what is meant.
 * @template T
 * @param {() => Promise<T>} step
 * @returns {Promise<T>}
 */
async function patiently(step) {
  for (const until = performance.now() + patienceMs; ; await sleep(500)) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof ConcordatError && error.entry.retryable) || performance.now() > until) throw error;
    }
  }
}

/**
 * Hands a partner the context of its invitation, in the message that says what is wanted. One signature covers both.
 * @param {import('concordat').InitiatorActivity} activity
 * @param {(typeof partners)[number]} partner
 */
async function orderFrom(activity, { name, url, writer }) {
  const context = await activity.invite(name, { identity: writer });
  const result = await caller.call(url, {
    soapVersion: '1.1',
    addressing: { to: url, action: `${ORDERS}/Order`, messageId: `urn:uuid:${randomUUID()}` },
    headers: [contextToXml(context)],
    body: el(ORDERS, 'Order', { number: flags.order, item: flags.item }),
  });
  if (result.kind === 'accepted') throw new ConcordatError('PeerUnreachable', `${name} gave no answer`);
  if (result.message.identity.writer !== writer) throw new ConcordatError('NotAuthorized', `another answered for the ${name}`);
  if (result.kind === 'fault')
    throw new ConcordatError(result.fault.concordatCode ?? 'Internal', `${name}: ${result.fault.reason}`);
  say({ takesPart: name });
}

/** All that comes before the decision. @param {import('concordat').InitiatorActivity} activity */
async function prepare(activity) {
  await Promise.all(partners.map((partner) => patiently(() => orderFrom(activity, partner))));
  // Partners of CoordinatorCompletion wait to hear that no more work comes.
  await patiently(() => activity.complete());
}

/**
 * Closes if everybody has completed, else cancels. A decision that is written down stands, also when this program dies right
 * after: it is sent again by the next run.
 * @param {import('concordat').InitiatorActivity} activity
 */
async function decide(activity) {
  const isDecided = () => activity.decisions.some(({ status }) => status !== 'refused');
  try {
    if (!isDecided()) await prepare(activity);
    if (activity.decision?.kind !== 'cancel') await activity.close(undefined, { waitMs: patienceMs });
  } catch (error) {
    if (isDecided()) throw error;
    // InvalidState: one of them ended without the goods. NotEnabled: one of them is not ready in time. Others: it could not be asked.
    say({ givesUp: error instanceof ConcordatError ? error.code : 'Internal', because: String(error) });
  }
  if (!isDecided() || activity.decision?.kind === 'cancel') await activity.cancel();
  return activity.decision?.kind;
}

/** @type {Initiator | undefined} */
let initiator;
try {
  initiator = await Initiator.open({
    cluster,
    credentials,
    store: flags.store,
    onSuspect: (suspicion) => say({ suspects: suspicion }),
  });
  const opened = initiator;
  const activity = await patiently(() =>
    opened.createActivity({ name: `order-${flags.order}`, outcome: 'atomic', expiresMs: 900_000 }),
  );
  say({ activity: activity.id });
  const decision = await patiently(() => decide(activity));
  say({ decided: decision });
  const participants = await activity.ended({ waitMs: patienceMs });
  say({
    outcome: decision === 'close' ? 'closed' : 'canceled',
    participants: Object.fromEntries(participants.map((one) => [one.matchcode, one.endedBy])),
  });
  process.exitCode = decision === 'close' ? 0 : 1;
} catch (error) {
  const code = error instanceof ConcordatError ? error.code : 'Internal';
  // Nothing is lost: whatever was promised is on disk. EX_TEMPFAIL says: run the same again.
  say({ error: code, because: String(error), waitsFor: error instanceof ConcordatError ? error.waitsFor : [] });
  process.exitCode = 75;
} finally {
  transport.close();
  await initiator?.close();
}
