import { loadClientKeys, loadCluster, loadReplicaKeys } from '../../src/config/index.js';
import { type Credentials, el, NS, Signer } from '../../src/soap/index.js';
import { encodeNotification } from '../../src/soap/messages/index.js';

export interface Commands {
  /** As replica 2 would send it to the participant of this client; alone it commands nothing. */
  readonly genuine: string;
  /** What no participant may accept, by what is wrong with it; but for that it is like the genuine one. */
  readonly forged: ReadonlyMap<string, string>;
}

export function commandsTo(to: string, client: string, dir: string): Commands {
  const replica = loadReplicaKeys(loadCluster(dir), 2);
  const genuine = command(replica, client, to, Date.now());
  const forgeries = new Map([
    ['another command than was signed', genuine.replaceAll('wsba:Close', 'wsba:Cancel')],
    ['another MessageID than was signed', genuine.replace(`${MESSAGE_ID}<`, `${MESSAGE_ID}0<`)],
    ['an unsigned header', genuine.replace('</soap:Header>', '<x:Order xmlns:x="urn:x">1</x:Order></soap:Header>')],
    ['the signed Body moved aside for another one', wrapped(genuine)],
    [
      'the same Id twice',
      genuine.replace('</soap:Header>', `<x:Id xmlns:x="urn:x" xmlns:u="${NS.wsu}" u:Id="c-body"/></soap:Header>`),
    ],
    ['a weaker algorithm', genuine.replace(/xmldsig-more#(rsa|ecdsa)-sha256/, 'xmldsig-more#$1-md5')],
    ['an entity', `<!DOCTYPE x [<!ENTITY urn "urn">]>${genuine.replace(MESSAGE_ID, MESSAGE_ID.replace('urn', '&urn;'))}`],
    ['no signature', genuine.replace(/<ds:Signature .*<\/ds:Signature>/s, '')],
    ['the signature of a client', command(loadClientKeys(dir, client), client, to, Date.now())],
    ['a signature of an hour ago', command(replica, client, to, Date.now() - 3_600_000)],
  ]);
  for (const [what, forged] of forgeries) if (forged === genuine) throw new Error(`nothing was forged: ${what}`);
  return { genuine, forged: forgeries };
}

/** Signature wrapping: the signature still finds what it is of, but elsewhere. */
function wrapped(message: string): string {
  const body = /<soap:Body.*<\/soap:Body>/s;
  const [signed = ''] = body.exec(message) ?? [];
  const forged = signed.replaceAll('wsba:Close', 'wsba:Cancel').replace(/wsu:Id="[^"]*"/, 'wsu:Id="forged"');
  return message.replace(body, forged).replace('</soap:Header>', `<w:Wrap xmlns:w="urn:w">${signed}</w:Wrap></soap:Header>`);
}

const MESSAGE_ID = 'urn:uuid:00000000-0000-4000-8000-000000000001';

/** The programs name their reference parameter after their stack, and so are their clients. */
const command = (by: Credentials, client: string, to: string, at: number): string =>
  new Signer(by).sign(
    {
      soapVersion: '1.1',
      addressing: { to, action: `${NS.wsba}/Close`, messageId: MESSAGE_ID },
      headers: [el(`urn:example:${client}`, 'Order', [{ ns: NS.wsa, name: 'IsReferenceParameter', value: 'true' }], client)],
      body: encodeNotification('Close'),
    },
    at,
  );

/** Posts it as a replica does. @returns the HTTP status */
export async function post(to: string, envelope: string): Promise<number> {
  const response = await fetch(to, {
    method: 'POST',
    headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: `"${NS.wsba}/Close"` },
    body: envelope,
  });
  await response.arrayBuffer();
  return response.status;
}
