import { X509Certificate } from 'node:crypto';
import type { ErrorCode } from '../../src/errors.js';
import { NS } from '../../src/soap/index.js';
import { addReference, digest, reference, referenceTo, resign, signWith } from './forge.js';
import type { Attack, Sample, Scene } from './scene.js';
import { BODY, cut, EVIL, HEADERS, idOf, insertBefore, lastHeader, PARTS, swap, swapMatch, withoutId } from './surgery.js';

/** The structure of the signature: what is left out, doubled, emptied, reordered, spliced in or split by comments. */

const attack = (code: ErrorCode, name: string, make: (sample: Sample, scene: Scene) => string): Attack => ({ name, code, make });
const byOwner = (sample: Sample, change: (info: string) => string, raw = sample.raw): string =>
  resign(raw, signWith(sample.credentials), change);

const without = (qname: string) => (sample: Sample) => swap(sample.raw, cut(sample.raw, qname), '');
const emptied = (qname: string) => (sample: Sample) => {
  const element = cut(sample.raw, qname);
  return swap(sample.raw, element, `${element.slice(0, element.indexOf('>') + 1)}</${qname}>`);
};

const WSA = `xmlns:wsa="${NS.wsa}"`;
/** Headers that say something to us, so that nobody may add them on the way. */
const ADDED: readonly (readonly [what: string, header: string])[] = [
  ...['true', '1', ' true ', '\n1'].map(
    (value) => [`a reference parameter marked "${value}"`, `<x:P ${EVIL} ${WSA} wsa:IsReferenceParameter="${value}"/>`] as const,
  ),
  ['an invitation', `<c:Invitation xmlns:c="${NS.concordat}">evil</c:Invitation>`],
  ['a header of ours that does not exist', `<c:Override xmlns:c="${NS.concordat}">evil</c:Override>`],
  ['an enrollment', `<c:Enrollment xmlns:c="${NS.concordat}">evil</c:Enrollment>`],
];

const exclusion: readonly Attack[] = [
  attack('Unsigned', 'no Security header', without('wsse:Security')),
  attack('Unsigned', 'an empty Security header', emptied('wsse:Security')),
  attack('Unsigned', 'no Signature', without('ds:Signature')),
  attack('Unsigned', 'no Header', (sample) => without(`${sample.soap}:Header`)(sample)),
  attack('Unsigned', 'no token', without('wsse:BinarySecurityToken')),
  attack('Unsigned', 'an empty token', emptied('wsse:BinarySecurityToken')),
  attack('Unsigned', 'an empty KeyInfo', emptied('ds:KeyInfo')),
  attack('SignatureInvalid', 'an empty Signature', emptied('ds:Signature')),
  attack('SignatureInvalid', 'no SignedInfo', without('ds:SignedInfo')),
  attack('SignatureInvalid', 'an empty SignedInfo', emptied('ds:SignedInfo')),
  attack('SignatureInvalid', 'no SignatureValue', without('ds:SignatureValue')),
  attack('SignatureInvalid', 'an empty SignatureValue', emptied('ds:SignatureValue')),
  attack('SignatureInvalid', 'no KeyInfo', without('ds:KeyInfo')),
  attack('SignatureInvalid', 'no SignatureMethod', without('ds:SignatureMethod')),
  attack('SignatureInvalid', 'no CanonicalizationMethod', without('ds:CanonicalizationMethod')),
  attack('SignatureInvalid', 'the Signature in a header of its own, beside Security', (sample) => {
    const signature = cut(sample.raw, 'ds:Signature');
    const second = swap(sample.raw, signature, '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"></ds:Signature>');
    return lastHeader(second, sample, signature);
  }),
  attack('SignatureInvalid', 'no references', (sample) =>
    swapMatch(sample.raw, /<ds:Reference .*<\/ds:Reference>(?=<\/ds:SignedInfo>)/s, () => ''),
  ),
  attack('SignatureInvalid', 'no references, signed so by a certified sender', (sample) =>
    byOwner(sample, (info) => swapMatch(info, /<ds:Reference .*<\/ds:Reference>/s, () => '')),
  ),
  ...PARTS.map((part) =>
    attack('SignedPartMissing', `a certified sender leaves ${part.name} unsigned`, (sample) =>
      byOwner(sample, (info) => swap(info, referenceTo(info, idOf(part.of(sample))), '')),
    ),
  ),
  ...PARTS.map((part) =>
    attack('SignatureInvalid', `the reference to ${part.name} cut out, and the part changed`, (sample) => {
      const element = part.of(sample);
      const info = cut(sample.raw, 'ds:SignedInfo');
      const cutOut = swap(sample.raw, info, swap(info, referenceTo(info, idOf(element)), ''));
      return swap(cutOut, element, part.evil(element));
    }),
  ),
  ...PARTS.map((part) =>
    attack('SignatureInvalid', `${part.name} changed in place`, (sample) => {
      const element = part.of(sample);
      return swap(sample.raw, element, part.evil(element));
    }),
  ),
  ...ADDED.map(([what, header]) =>
    attack('SignedPartMissing', `${what} added, unsigned`, (sample) => lastHeader(sample.raw, sample, header)),
  ),
  ...HEADERS.map((part) =>
    attack('SignedPartMissing', `${part.name} taken out`, (sample) => swap(sample.raw, part.of(sample), '')),
  ),
  ...HEADERS.map((part) =>
    attack('SignedPartMissing', `${part.name} taken out with its Id left on an empty wrapper in Security`, (sample) => {
      const element = part.of(sample);
      const stub = `<x:Stub ${EVIL} Id="${idOf(element)}"/>`;
      return insertBefore(swap(sample.raw, element, ''), '</wsse:Security>', stub);
    }),
  ),
];

const evilInfo = (info: string): string => swapMatch(info, /(<ds:DigestValue>)[^<]*/, (_all, tag) => `${tag}${digest('evil')}`);
const twice =
  (qname: string, change: (element: string) => string = (element) => element, place: 'before' | 'after' = 'after') =>
  ({ raw }: Sample): string => {
    const element = cut(raw, qname);
    return swap(raw, element, place === 'after' ? element + change(element) : change(element) + element);
  };

const doubled: readonly Attack[] = [
  attack('SignatureInvalid', 'two SignedInfo, the forged one first', twice('ds:SignedInfo', evilInfo, 'before')),
  attack('SignatureInvalid', 'two SignedInfo, the forged one second', twice('ds:SignedInfo', evilInfo)),
  attack('SignatureInvalid', 'two SignatureValues', twice('ds:SignatureValue')),
  attack('SignatureInvalid', 'two KeyInfos', twice('ds:KeyInfo')),
  attack('SignatureInvalid', 'two Signatures', twice('ds:Signature')),
  attack('SignatureInvalid', 'two Signatures, the forged one first', twice('ds:Signature', evilInfo, 'before')),
  attack(
    'SignatureInvalid',
    'three Signatures',
    twice('ds:Signature', (element) => element + element),
  ),
  attack('SignatureInvalid', 'two SignatureMethods', twice('ds:SignatureMethod')),
  attack('SignatureInvalid', 'two CanonicalizationMethods', twice('ds:CanonicalizationMethod')),
  attack('SignatureInvalid', 'SignedInfo inside SignedInfo', ({ raw }) => {
    const info = cut(raw, 'ds:SignedInfo');
    return swap(raw, info, insertBefore(evilInfo(info), '</ds:SignedInfo>', info));
  }),
  attack('SignatureInvalid', 'a Signature inside an Object of the Signature', ({ raw }) =>
    insertBefore(raw, '</ds:Signature>', `<ds:Object>${cut(raw, 'ds:Signature')}</ds:Object>`),
  ),
  attack('SignatureInvalid', 'the signed SignedInfo in an Object, a forged one in its place', ({ raw }) => {
    const info = cut(raw, 'ds:SignedInfo');
    return insertBefore(swap(raw, info, evilInfo(info)), '</ds:Signature>', `<ds:Object>${info}</ds:Object>`);
  }),
  attack('SignatureInvalid', 'SignedInfo after SignatureValue', ({ raw }) => {
    const [info, value] = [cut(raw, 'ds:SignedInfo'), cut(raw, 'ds:SignatureValue')];
    return swap(raw, info + value, value + info);
  }),
  attack('SignatureInvalid', 'KeyInfo first', ({ raw }) => {
    const keyInfo = cut(raw, 'ds:KeyInfo');
    return insertBefore(swap(raw, keyInfo, ''), '<ds:SignedInfo>', keyInfo);
  }),
  attack('SignatureInvalid', 'a foreign element in the Signature', ({ raw }) =>
    insertBefore(raw, '<ds:SignatureValue>', `<x:Y ${EVIL}/>`),
  ),
  ...PARTS.map((part) =>
    attack('SignatureInvalid', `two references to ${part.name}, signed so by a certified sender`, (sample) =>
      byOwner(sample, (info) => {
        const twin = referenceTo(info, idOf(part.of(sample)));
        return swap(info, twin, twin + twin);
      }),
    ),
  ),
  attack('SignatureInvalid', 'more references than a message has parts, signed so by a certified sender', (sample) =>
    byOwner(sample, (info) =>
      Array.from({ length: 60 }, (_, i) => i).reduce(
        (grown, i) => addReference(grown, { uri: `#more-${i}`, digestValue: digest('') }),
        info,
      ),
    ),
  ),
];

const DIGEST = /(<ds:DigestValue>)([^<]{8})([^<]*)/;
const VALUE = /(<ds:SignatureValue>)([^<]{8})([^<]*)/;
const COMMENTED: readonly (readonly [where: string, pattern: RegExp])[] = [
  ['DigestValue', DIGEST],
  ['SignatureValue', VALUE],
  ['the token', /(<wsse:BinarySecurityToken[^>]*>)([^<]{8})([^<]*)/],
];
const comments: readonly Attack[] = [
  ...COMMENTED.flatMap(([where, pattern]) => [
    attack('SignatureInvalid', `a comment at the beginning of ${where}`, ({ raw }) =>
      swapMatch(raw, pattern, (_all, tag, start, rest) => `${tag}<!---->${start}${rest}`),
    ),
    attack('SignatureInvalid', `a comment in the middle of ${where}`, ({ raw }) =>
      swapMatch(raw, pattern, (_all, tag, start, rest) => `${tag}${start}<!-- x -->${rest}`),
    ),
    attack('SignatureInvalid', `a comment in ${where}, with a forged value before it`, ({ raw }) =>
      swapMatch(raw, pattern, (_all, tag, start, rest) => `${tag}${digest('evil')}<!-- x -->${start}${rest}`),
    ),
    attack('SignatureInvalid', `a comment in ${where}, with a forged value after it`, ({ raw }) =>
      swapMatch(raw, pattern, (_all, tag, start, rest) => `${tag}${start}${rest}<!-- x -->${digest('evil')}`),
    ),
  ]),
  ...['<ds:SignedInfo>', '<ds:KeyInfo>', '<ds:Transforms>', '<wsse:SecurityTokenReference'].map((mark) =>
    attack('SignatureInvalid', `a comment before ${mark}`, ({ raw }) => insertBefore(raw, mark, '<!-- x -->')),
  ),
  attack('SignatureInvalid', 'a comment between a Reference and its Transforms, signed so', (sample) =>
    byOwner(sample, (info) => insertBefore(info, '<ds:Transforms>', '<!-- x -->')),
  ),
];

const values: readonly Attack[] = [
  attack('SignatureInvalid', 'a DigestValue of something else', ({ raw }) => evilInfo(raw)),
  attack('SignatureInvalid', 'a DigestValue of something else, signed so by a certified sender', (sample) =>
    byOwner(sample, evilInfo),
  ),
  attack('SignatureInvalid', 'a DigestValue cut short, signed so', (sample) =>
    byOwner(sample, (info) => swapMatch(info, DIGEST, (_all, tag, start) => `${tag}${start}`)),
  ),
  attack('SignatureInvalid', 'an empty DigestValue, signed so', (sample) =>
    byOwner(sample, (info) => swapMatch(info, DIGEST, (_all, tag) => `${tag}`)),
  ),
  attack('SignatureInvalid', 'a DigestValue in hexadecimal, signed so', (sample) =>
    byOwner(sample, (info) =>
      swapMatch(info, DIGEST, (_all, tag, start, rest) => `${tag}${Buffer.from(start + rest, 'base64').toString('hex')}`),
    ),
  ),
  attack('SignatureInvalid', 'an element inside DigestValue, signed so', (sample) =>
    byOwner(sample, (info) => swapMatch(info, DIGEST, (_all, tag, start, rest) => `${tag}<x:a ${EVIL}>${start}${rest}</x:a>`)),
  ),
  attack('SignatureInvalid', 'a SignatureValue cut short', ({ raw }) => swapMatch(raw, VALUE, (_all, tag, start) => tag + start)),
  attack('SignatureInvalid', 'a SignatureValue with bytes after it', ({ raw }) =>
    swapMatch(raw, VALUE, (_all, tag, start, rest) => {
      const longer = Buffer.concat([Buffer.from(start + rest, 'base64'), Buffer.from([0, 0, 0])]);
      return tag + longer.toString('base64');
    }),
  ),
  attack('SignatureInvalid', 'a SignatureValue that is not base64', ({ raw }) =>
    swapMatch(raw, VALUE, (_all, tag) => `${tag}!!!`),
  ),
  ...[0x00, 0x01, 0xff].map((byte) =>
    attack('SignatureInvalid', `a SignatureValue of nothing but the byte ${byte}`, ({ raw }) =>
      swapMatch(raw, VALUE, (_all, tag, start, rest) => {
        const { length } = Buffer.from(start + rest, 'base64');
        return tag + Buffer.alloc(length, byte).toString('base64');
      }),
    ),
  ),
  attack('SignatureInvalid', 'the signature of another message of the same sender', (sample, { samples }) => {
    const other = samples.find(({ keyType, soapVersion }) => keyType === sample.keyType && soapVersion !== sample.soapVersion);
    return swap(sample.raw, cut(sample.raw, 'ds:SignatureValue'), cut(other?.raw ?? '', 'ds:SignatureValue'));
  }),
  attack('SignatureInvalid', 'the whole Signature of another message of the same sender', (sample, { samples }) => {
    const other = samples.find(({ keyType, soapVersion }) => keyType === sample.keyType && soapVersion !== sample.soapVersion);
    return swap(sample.raw, cut(sample.raw, 'ds:Signature'), cut(other?.raw ?? '', 'ds:Signature'));
  }),
  attack('SignatureInvalid', 'an ECDSA value of zeros, or an RSA value of one', (sample) => {
    const raw = Buffer.from(/<ds:SignatureValue>([^<]*)/.exec(sample.raw)?.[1] ?? '', 'base64');
    const forged = Buffer.alloc(raw.length);
    if (sample.keyType === 'rsa') forged[raw.length - 1] = 1;
    return swapMatch(sample.raw, VALUE, (_all, tag) => tag + forged.toString('base64'));
  }),
  attack('SignatureInvalid', 'an ECDSA value of the group order, or an RSA value of the modulus', (sample) => {
    const { publicKey } = new X509Certificate(sample.credentials.certificatePem);
    const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
    const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url');
    const forged = sample.keyType === 'ec' ? Buffer.from(order + order, 'hex') : modulus;
    return swapMatch(sample.raw, VALUE, (_all, tag) => tag + forged.toString('base64'));
  }),
];

/** References to anything but a part of this message by its Id. Each is signed by a certified sender. */
const URIS: readonly (readonly [uri: string, code: ErrorCode])[] = [
  ['', 'SignatureInvalid'],
  ['#', 'SignatureInvalid'],
  ['##c-body', 'SignatureInvalid'],
  ['#xpointer(/)', 'SignedPartMissing'],
  ["#xpointer(id('c-body'))", 'SignedPartMissing'],
  ['#xmlns(s=urn:x)xpointer(//s:Body)', 'SignedPartMissing'],
  ['#element(/1/2)', 'SignedPartMissing'],
  ['#c%2Dbody', 'SignedPartMissing'],
  ['# c-body', 'SignatureInvalid'],
  ['c-body', 'SignatureInvalid'],
  ['http://evil.example/', 'SignatureInvalid'],
  ['http://evil.example/#c-body', 'SignatureInvalid'],
  ['file:///etc/passwd', 'SignatureInvalid'],
  ['cid:body@evil.example', 'SignatureInvalid'],
  ['//evil.example/x', 'SignatureInvalid'],
  ['data:text/xml,evil', 'SignatureInvalid'],
];
const uris: readonly Attack[] = [
  ...URIS.map(([uri, code]) =>
    attack(code, `a reference to "${uri}" besides the others`, (sample) =>
      byOwner(sample, (info) => addReference(info, { uri, digestValue: digest(BODY.of(sample)) })),
    ),
  ),
  ...URIS.map(([uri, code]) =>
    attack(code, `a reference to "${uri}" instead of the Body’s`, (sample) =>
      byOwner(sample, (info) => {
        const body = BODY.of(sample);
        return swap(info, referenceTo(info, idOf(body)), reference({ uri, digestValue: digest(body) }));
      }),
    ),
  ),
  attack('SignatureInvalid', 'a reference without a URI', (sample) =>
    byOwner(sample, (info) => swap(info, ` URI="#${idOf(BODY.of(sample))}"`, '')),
  ),
  attack('SignedPartMissing', 'a Manifest that lists the Body, which itself is unsigned', (sample) => {
    const body = BODY.of(sample);
    const info = cut(sample.raw, 'ds:SignedInfo');
    const manifest = `<ds:Manifest xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="manifest">${referenceTo(info, idOf(body))}</ds:Manifest>`;
    const raw = insertBefore(sample.raw, '</wsse:Security>', manifest);
    return byOwner(
      sample,
      (signedInfo) =>
        swap(signedInfo, referenceTo(signedInfo, idOf(body)), reference({ uri: '#manifest', digestValue: digest(manifest) })),
      raw,
    );
  }),
  attack('SignedPartMissing', 'a certified sender signs an empty stand-in instead of the Body', (sample) => {
    const stub = `<x:Stub ${EVIL} Id="stub"></x:Stub>`;
    const raw = lastHeader(sample.raw, sample, stub);
    return byOwner(
      sample,
      (info) => {
        const id = idOf(BODY.of(sample));
        return swap(info, referenceTo(info, id), reference({ uri: '#stub', digestValue: digest(stub) }));
      },
      raw,
    );
  }),
  attack('SignedPartMissing', 'the Body without its Id, and the reference to nobody', (sample) => {
    const body = BODY.of(sample);
    return swap(sample.raw, body, withoutId(body));
  }),
];

export const SIGNATURES: readonly Attack[] = [...exclusion, ...doubled, ...comments, ...values, ...uris];
