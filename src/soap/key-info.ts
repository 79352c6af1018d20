import { ConcordatError } from '../errors.js';
import { attributeOf, childElements, isNamed, textOf } from './document/index.js';
import type { SourceElement } from './document/index.js';
import { MAX_TOKEN_LENGTH } from './limits.js';
import { NS } from './namespaces.js';
import type { ParsedEnvelope } from './parse.js';
import { BASE64_BINARY, X509V3 } from './wss.js';

const refused = (detail: string): ConcordatError => new ConcordatError('Unsigned', `KeyInfo: ${detail}`);

/**
 * The DER of the certificate that KeyInfo names: a reference to a BinarySecurityToken directly in the same Security header,
 * an X509v3 key identifier, or an X509Certificate. The token needs no signature of its own: its key is what verifies the rest.
 */
export function certificateOf(keyInfo: SourceElement, envelope: ParsedEnvelope): Uint8Array {
  const outer = onlyChild(keyInfo);
  const holder = isNamed(outer, NS.wsse, 'SecurityTokenReference') ? onlyChild(outer) : outer;
  if (isNamed(holder, NS.ds, 'X509Data')) return fromX509Data(holder);
  if (holder === outer) throw refused(`${outer.qname} is not supported`);
  if (isNamed(holder, NS.wsse, 'Reference')) return fromToken(holder, envelope);
  if (isNamed(holder, NS.wsse, 'KeyIdentifier')) return fromBinary(holder);
  throw refused(`${holder.qname} is not supported`);
}

function onlyChild(parent: SourceElement): SourceElement {
  const [first, ...more] = childElements(parent);
  if (first === undefined || more.length > 0) throw refused(`${parent.qname} has not one child`);
  return first;
}

function fromX509Data(data: SourceElement): Uint8Array {
  const certificates = childElements(data).filter((element) => isNamed(element, NS.ds, 'X509Certificate'));
  const [certificate] = certificates;
  if (certificate === undefined || certificates.length > 1) throw refused('X509Data has not one X509Certificate');
  return decode(certificate);
}

function fromToken(reference: SourceElement, envelope: ParsedEnvelope): Uint8Array {
  const uri = attributeOf(reference, '', 'URI') ?? '';
  const token = uri.startsWith('#') ? envelope.ids.get(uri.slice(1)) : undefined;
  if (token === undefined || token.parent !== envelope.security || !isNamed(token, NS.wsse, 'BinarySecurityToken')) {
    throw refused(`"${uri}" is not a BinarySecurityToken of this Security header`);
  }
  return fromBinary(token);
}

/** A BinarySecurityToken or KeyIdentifier; both default to base64. */
function fromBinary(element: SourceElement): Uint8Array {
  const type = attributeOf(element, '', 'ValueType') ?? '';
  const encoding = attributeOf(element, '', 'EncodingType') ?? '';
  if (type !== X509V3) throw refused(`token type ${type} is not X509v3`);
  if (encoding !== '' && encoding !== BASE64_BINARY) throw refused(`encoding ${encoding} is not Base64Binary`);
  return decode(element);
}

function decode(element: SourceElement): Uint8Array {
  const text = textOf(element);
  const base64 = /\s/.test(text) ? text.replace(/\s/g, '') : text;
  if (childElements(element).length > 0 || base64.length > MAX_TOKEN_LENGTH || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw refused('the token is not base64 of a certificate');
  }
  return Buffer.from(base64, 'base64');
}
