import { sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  childrenOf,
  contextTag,
  expectTag,
  integer,
  MalformedDer,
  NULL,
  octetString,
  oid as writeOid,
  readOid,
  readOne,
  readTime,
  sequence,
  TAG,
  writeDer,
  writeTime,
} from './der.js';
import type { Der } from './der.js';

/** A certificate revocation list (RFC 5280 §5) as its issuer signed it. */
export interface RevocationList {
  /** DER of the issuer's name, as it stands in the list. */
  readonly issuer: Buffer;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** When each certificate was revoked, by serial number as `namesOf` tells it. */
  readonly revoked: ReadonlyMap<string, number>;
  /** Of the lists of this issuer; 0 if it has none (RFC 5280 §5.2.3). */
  readonly number: bigint;
  /** Whether the holder of that key signed it. */
  signedBy(key: KeyObject): boolean;
}

const RSA_SHA256 = '1.2.840.113549.1.1.11';
const CRL_NUMBER = '2.5.29.20';
const SIGNATURES: Readonly<Record<string, { readonly hash: string; readonly keyType: 'rsa' | 'ec' }>> = {
  [RSA_SHA256]: { hash: 'sha256', keyType: 'rsa' },
  '1.2.840.113549.1.1.12': { hash: 'sha384', keyType: 'rsa' },
  '1.2.840.113549.1.1.13': { hash: 'sha512', keyType: 'rsa' },
  '1.2.840.10045.4.3.2': { hash: 'sha256', keyType: 'ec' },
  '1.2.840.10045.4.3.3': { hash: 'sha384', keyType: 'ec' },
  '1.2.840.10045.4.3.4': { hash: 'sha512', keyType: 'ec' },
};

const PEM = /-----BEGIN (?:X509 )?CRL-----([A-Za-z0-9+/=\s]+)-----END (?:X509 )?CRL-----/;
const EXTENSIONS = contextTag(0);

/**
 * Reads a revocation list, PEM or DER. Who signed it is asked later.
 * @throws MalformedDer if it is none, has no nextUpdate, is signed with an algorithm we refuse, or has a critical extension:
 *   then it does not say what it seems to (RFC 5280 §5.2)
 */
export function parseRevocationList(bytes: Buffer): RevocationList {
  const pem = PEM.exec(bytes.toString('latin1'))?.[1];
  const [tbs, algorithm, signature] = childrenOf(readOne(pem === undefined ? bytes : Buffer.from(pem, 'base64'), TAG.sequence));
  const signed = expectTag(tbs, TAG.sequence);
  const oid = readOid(childrenOf(algorithm)[0]);
  const known = SIGNATURES[oid];
  if (known === undefined) throw new MalformedDer(`signed with the algorithm ${oid}`);
  const value = expectTag(signature, TAG.bitString).content.subarray(1);
  const fields = childrenOf(signed);
  if (fields[0]?.tag === TAG.integer) fields.shift();
  const [inner, issuer, thisUpdate, nextUpdate, ...rest] = fields;
  if (inner === undefined || !inner.raw.equals(algorithm?.raw ?? Buffer.alloc(0)))
    throw new MalformedDer('two signature algorithms');
  const entries = rest.find((field) => field.tag === TAG.sequence);
  const extensions = childrenOf(rest.find((field) => field.tag === EXTENSIONS))[0];
  refuseCritical(extensions);
  return {
    issuer: expectTag(issuer, TAG.sequence).raw,
    thisUpdate: readTime(thisUpdate),
    nextUpdate: readTime(nextUpdate),
    revoked: new Map(childrenOf(entries).map(entryOf)),
    number: numberOf(extensions),
    signedBy: (key) => key.asymmetricKeyType === known.keyType && verify(known.hash, signed.raw, key, value),
  };
}

function entryOf(entry: Der): [serial: string, at: number] {
  const [serial, date, extensions] = childrenOf(entry);
  refuseCritical(extensions);
  return [expectTag(serial, TAG.integer).content.toString('hex'), readTime(date)];
}

function refuseCritical(extensions: Der | undefined): void {
  for (const extension of childrenOf(extensions)) {
    const [id, critical] = childrenOf(extension);
    if (critical?.tag === TAG.boolean && critical.content[0] !== 0) throw new MalformedDer(`critical extension ${readOid(id)}`);
  }
}

function numberOf(extensions: Der | undefined): bigint {
  for (const extension of childrenOf(extensions)) {
    const [id, value] = childrenOf(extension);
    if (readOid(id) === CRL_NUMBER)
      return BigInt(`0x${readOne(expectTag(value, TAG.octetString).content, TAG.integer).content.toString('hex')}`);
  }
  return 0n;
}

/** What a new list says; see RevocationList. */
export interface NewRevocationList extends Pick<RevocationList, 'issuer' | 'thisUpdate' | 'nextUpdate' | 'revoked' | 'number'> {
  /** RSA. */
  readonly key: KeyObject;
}

const VERSION_2 = integer(1);

/** Signs a revocation list with RSA and SHA-256; PEM. */
export function writeRevocationList({ issuer, thisUpdate, nextUpdate, revoked, number, key }: NewRevocationList): string {
  const algorithm = sequence(writeOid(RSA_SHA256), NULL);
  const entries = [...revoked].map(([serial, at]) => sequence(writeDer(TAG.integer, Buffer.from(serial, 'hex')), writeTime(at)));
  const crlNumber = sequence(writeOid(CRL_NUMBER), octetString(integer(number)));
  const signed = sequence(
    ...[VERSION_2, algorithm, issuer, writeTime(thisUpdate), writeTime(nextUpdate)],
    // A list of nobody is left out, not empty (RFC 5280 §5.1.2.6).
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    writeDer(EXTENSIONS, sequence(crlNumber)),
  );
  const value = writeDer(TAG.bitString, Buffer.from([0]), sign('sha256', signed, key));
  const base64 = sequence(signed, algorithm, value).toString('base64');
  return `-----BEGIN X509 CRL-----\n${(base64.match(/.{1,64}/g) ?? []).join('\n')}\n-----END X509 CRL-----\n`;
}
