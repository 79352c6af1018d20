import { createHash, createPrivateKey, createPublicKey, createSign, createVerify, KeyObject } from 'node:crypto';
import type { BinaryLike, KeyLike } from 'node:crypto';
import { DOMParser } from '@xmldom/xmldom';
import { ExclusiveCanonicalization, SignedXml } from 'xml-crypto';
import { compareCodePoints } from '../../src/soap/document/index.js';

/** xml-crypto as a reference: with the standard's orders, and with the algorithms it has not. */

interface Named {
  readonly namespaceURI?: string | null;
  readonly localName?: string | null;
}

/**
 * Exclusive C14N with the orders of Canonical XML 1.0 §2.2. The library sorts prefixes by locale, which puts `a` before `B`, and
 * attributes by namespace and name run together.
 */
export class OrderedExclusiveC14n extends ExclusiveCanonicalization {
  override nsCompare(a: { prefix: string }, b: { prefix: string }): -1 | 0 | 1 {
    return sign(compareCodePoints(a.prefix, b.prefix));
  }

  override attrCompare(a: Named, b: Named): -1 | 0 | 1 {
    return sign(
      compareCodePoints(a.namespaceURI ?? '', b.namespaceURI ?? '') || compareCodePoints(a.localName ?? '', b.localName ?? ''),
    );
  }
}

const sign = (difference: number): -1 | 0 | 1 => (difference < 0 ? -1 : difference > 0 ? 1 : 0);

/** Of the signature algorithms it has not. */
const MISSING_SIGNATURES = {
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha384': 'SHA384',
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256': 'SHA256',
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384': 'SHA384',
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512': 'SHA512',
} as const;

/** A signature algorithm by node's means; an ECDSA value is r and s side by side. */
function signatureAlgorithm(uri: string, hash: string): new () => Algorithm {
  return class {
    getSignature(info: BinaryLike, key: KeyLike): string {
      return createSign(hash)
        .update(info)
        .sign({ key: key instanceof KeyObject ? key : createPrivateKey(key), dsaEncoding: 'ieee-p1363' }, 'base64');
    }
    verifySignature(info: string, key: KeyLike, value: string): boolean {
      return createVerify(hash)
        .update(info)
        .verify({ key: key instanceof KeyObject ? key : createPublicKey(key), dsaEncoding: 'ieee-p1363' }, value, 'base64');
    }
    getAlgorithmName(): string {
      return uri;
    }
  };
}

const SHA384 = 'http://www.w3.org/2001/04/xmldsig-more#sha384';

/** The one hash of ours it has not. */
class Sha384 {
  getHash(xml: string): string {
    return createHash('sha384').update(xml, 'utf8').digest('base64');
  }
  getAlgorithmName(): string {
    return SHA384;
  }
}

type Algorithm = InstanceType<SignedXml['SignatureAlgorithms'][string]>;

/** The library's own class, mended. Keys may be KeyObjects, which it hands to node as they are. */
export function referenceSignedXml(options: ConstructorParameters<typeof SignedXml>[0]): SignedXml {
  const signed = new SignedXml(options);
  signed.CanonicalizationAlgorithms = {
    ...signed.CanonicalizationAlgorithms,
    'http://www.w3.org/2001/10/xml-exc-c14n#': OrderedExclusiveC14n,
  };
  const missing = Object.entries(MISSING_SIGNATURES).map(([uri, hash]) => [uri, signatureAlgorithm(uri, hash)] as const);
  signed.SignatureAlgorithms = { ...signed.SignatureAlgorithms, ...Object.fromEntries(missing) };
  signed.HashAlgorithms = { ...signed.HashAlgorithms, [SHA384]: Sha384 };
  return signed;
}

/** Reads a text as the library does. */
export function readDom(xml: string): Document {
  const strict = (problem: unknown): never => {
    throw new Error(String(problem));
  };
  const parser = new DOMParser({ errorHandler: { warning: strict, error: strict, fatalError: strict } });
  return parser.parseFromString(xml, 'text/xml');
}
