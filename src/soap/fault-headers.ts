import type { ConcordatError } from '../errors.js';
import type { OutgoingMessage } from './envelope.js';
import { MAX_NOT_UNDERSTOOD, MAX_URI_LENGTH } from './limits.js';
import { NotUnderstood } from './must-understand.js';
import { NS, PREFIX } from './namespaces.js';
import { SOAP_NS } from './parse.js';
import type { SoapVersion } from './parse.js';
import { el } from './xml.js';

type Headers = Pick<OutgoingMessage, 'headers' | 'declarations'>;

/** What we support, the newer one first: SOAP 1.2 part 1 §5.4.7. */
const SUPPORTED: readonly SoapVersion[] = ['1.2', '1.1'];

/** The header blocks by which SOAP itself explains two of its faults; of the others the code and the detail say all. */
export function faultHeaders(error: ConcordatError, soapVersion: SoapVersion): Headers {
  if (error.code === 'NotAnEnvelope') return upgrade();
  // SOAP 1.1 has no header for it: there the names are in the detail's text alone.
  if (error instanceof NotUnderstood && soapVersion === '1.2') return notUnderstood(error);
  return { headers: [] };
}

/** Which envelopes to send instead; also inside SOAP 1.1 (SOAP 1.2 part 1 appendix A). */
function upgrade(): Headers {
  const supported = SUPPORTED.map((version) =>
    el(NS.soap12, 'SupportedEnvelope', { qname: `${PREFIX.get(SOAP_NS[version]) ?? ''}:Envelope` }),
  );
  return {
    headers: [el(NS.soap12, 'Upgrade', {}, ...supported)],
    declarations: new Map(SUPPORTED.map((version) => [PREFIX.get(SOAP_NS[version]) ?? '', SOAP_NS[version]])),
  };
}

/** One for each header that was not understood. A name without a namespace needs no prefix; the Envelope has no default one. */
function notUnderstood(error: NotUnderstood): Headers {
  const short = error.blocks.filter(({ ns, name }) => ns.length + name.length <= MAX_URI_LENGTH);
  const blocks = short.slice(0, MAX_NOT_UNDERSTOOD);
  const namespaces = [...new Set(blocks.map(({ ns }) => ns))].filter((ns) => ns !== '');
  const prefixes = new Map(namespaces.map((ns, index) => [ns, PREFIX.get(ns) ?? `q${index + 1}`]));
  const qname = ({ ns, name }: NotUnderstood['blocks'][number]): string =>
    ns === '' ? name : `${prefixes.get(ns) ?? ''}:${name}`;
  return {
    headers: blocks.map((block) => el(NS.soap12, 'NotUnderstood', { qname: qname(block) })),
    declarations: new Map([...prefixes].map(([ns, prefix]) => [prefix, ns])),
  };
}
