import { createPrivateKey, hash, sign, verify, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { signatureAlgorithmFor } from '../../../src/soap/algorithms.js';
import { canonicalize } from '../../../src/soap/c14n.js';
import { parseEnvelope } from '../../../src/soap/parse.js';
import { readSignature } from '../../../src/soap/signature.js';
import { readDom, referenceSignedXml } from '../../support/reference-xml-crypto.js';
import { signedMessage } from './messages.js';
import type { Party, ReferenceCount } from './messages.js';
import type { Task } from './rounds.js';

export const OPERATIONS = ['verify', 'sign', 'verify+sign'] as const;
export type Operation = (typeof OPERATIONS)[number];
export const CONTESTANTS = ['ours', 'xml-crypto', 'floor'] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

export type Contestant = Readonly<Record<Operation, Task>>;

/** The same message for all. Each has done its work once, and it was right. */
export interface Contest {
  readonly bytes: number;
  readonly contestants: Readonly<Record<ContestantName, Contestant>>;
}

export function contest(party: Party, references: ReferenceCount): Contest {
  const { message, raw } = signedMessage(party, references);
  const key = createPrivateKey(party.credentials.privateKeyPem);
  const { publicKey } = new X509Certificate(party.credentials.certificatePem);
  const xmlCrypto = new XmlCrypto(raw, key, publicKey);
  const bare = new Bare(raw, key, publicKey);
  return {
    bytes: Buffer.byteLength(raw),
    contestants: {
      ours: contestant(
        () => void party.verifier.verify(raw, Date.now()),
        () => void party.signer.sign(message, Date.now()),
      ),
      'xml-crypto': contestant(
        () => xmlCrypto.verify(),
        () => xmlCrypto.sign(),
      ),
      floor: contestant(
        () => bare.verify(),
        () => bare.sign(),
      ),
    },
  };
}

function contestant(verifyOnce: () => void, signOnce: () => void): Contestant {
  const both = (): void => {
    verifyOnce();
    signOnce();
  };
  both();
  return { verify: { run: verifyOnce }, sign: { run: signOnce }, 'verify+sign': { run: both } };
}

const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const SIGNATURE = /<ds:Signature .*<\/ds:Signature>/s;

/** As a service uses xml-crypto: keys read once, everything else per message. It gets text and gives text, as we do. */
class XmlCrypto {
  private readonly unsigned: string;
  private readonly ids: readonly string[];
  private readonly keyInfo: string;

  constructor(
    private readonly raw: string,
    private readonly key: KeyObject,
    private readonly publicKey: KeyObject,
  ) {
    this.unsigned = raw.replace(SIGNATURE, '');
    this.ids = readSignature(parseEnvelope(raw)).references.map(({ id }) => id);
    this.keyInfo = /<ds:KeyInfo>(.*)<\/ds:KeyInfo>/s.exec(raw)?.[1] ?? '';
  }

  verify(): void {
    const signed = referenceSignedXml({ publicCert: this.publicKey });
    const [signature] = Array.from(readDom(this.raw).getElementsByTagNameNS('http://www.w3.org/2000/09/xmldsig#', 'Signature'));
    if (signature === undefined) throw new Error('the message has no Signature');
    signed.loadSignature(signature);
    if (!signed.checkSignature(this.raw)) throw new Error('xml-crypto does not verify the message');
  }

  sign(): void {
    const signed = referenceSignedXml({
      privateKey: this.key,
      idMode: 'wssecurity',
      canonicalizationAlgorithm: EXCLUSIVE,
      signatureAlgorithm: signatureAlgorithmFor(this.key) ?? '',
      getKeyInfoContent: () => this.keyInfo,
    });
    for (const id of this.ids)
      signed.addReference({ xpath: `//*[@*[local-name(.)='Id']='${id}']`, transforms: [EXCLUSIVE], digestAlgorithm: SHA256 });
    signed.computeSignature(this.unsigned, { location: { reference: "//*[local-name(.)='Security']", action: 'append' } });
    if (!signed.getSignedXml().includes('SignatureValue>')) throw new Error('xml-crypto did not sign the message');
  }
}

/** No XML at all: the digests of the message's references, and one signature over its SignedInfo. */
class Bare {
  private readonly parts: readonly string[];
  private readonly digests: readonly string[];
  private readonly info: Buffer;
  private readonly value: Buffer;
  private readonly hash: string;

  constructor(
    raw: string,
    private readonly key: KeyObject,
    private readonly publicKey: KeyObject,
  ) {
    const envelope = parseEnvelope(raw);
    const { references, info, value, algorithm } = readSignature(envelope);
    this.parts = references.flatMap(({ id }) => {
      const part = envelope.ids.get(id);
      return part === undefined ? [] : [canonicalize(part, [])];
    });
    this.digests = references.map(({ digest }) => digest);
    this.info = Buffer.from(info);
    this.value = Buffer.from(value, 'base64');
    this.hash = algorithm.hash;
  }

  verify(): void {
    this.digestAll();
    const input = { key: this.publicKey, dsaEncoding: 'ieee-p1363' } as const;
    if (!verify(this.hash, this.info, input, this.value)) throw new Error('the bare signature does not verify');
  }

  sign(): void {
    this.digestAll();
    if (sign(this.hash, this.info, { key: this.key, dsaEncoding: 'ieee-p1363' }).length === 0) throw new Error('no signature');
  }

  private digestAll(): void {
    this.parts.forEach((part, i) => {
      if (hash('sha256', part, 'base64') !== this.digests[i]) throw new Error('a digest differs');
    });
  }
}
