import { createHash, verify, X509Certificate } from 'node:crypto';
import { DOMParser } from '@xmldom/xmldom';
import { ExclusiveCanonicalization } from 'xml-crypto';
import { NS } from '../../src/soap/index.js';

/**
 * A verifier as it should not be: it checks every digest and the signature as XML Signature asks, but finds what is signed by its
 * Id wherever it stands, and reads the message without asking whether that is what was signed. It shows that the attacks work.
 */
export interface Habits {
  /** Which of several elements with one Id is taken for the signed one. */
  readonly finds: 'first' | 'last';
  /** Which of several parts of one name is read: of the whole document, or the first in its place. */
  readonly reads: 'first' | 'last' | 'in place';
}

export const HABITS: readonly Habits[] = (['first', 'last'] as const).flatMap((finds) =>
  (['first', 'last', 'in place'] as const).map((reads) => ({ finds, reads })),
);

const SILENT = { warning: () => undefined, error: () => undefined, fatalError: () => undefined };
const c14n = new ExclusiveCanonicalization();
const canonical = (element: Element): string => c14n.process(element, { defaultNsForPrefix: {} });

/** What is read of a message: the text of each part by its name. */
export type Reading = ReadonlyMap<string, string>;

/** What a receiver of each habit reads of a message; undefined where even such a one refuses it. */
export function readNaively(raw: string): ReadonlyMap<Habits, Reading | undefined> {
  const root = new DOMParser({ errorHandler: SILENT }).parseFromString(raw, 'text/xml').documentElement;
  const all = descendants(root);
  const parts = { first: isAccepted(all, 'first'), last: isAccepted(all, 'last') };
  return new Map(HABITS.map((habits) => [habits, parts[habits.finds] ? read(root, all, habits.reads) : undefined]));
}

const isAccepted = (all: readonly Element[], finds: Habits['finds']): boolean =>
  named(all, NS.ds, 'Signature').some((signature) => isValid(signature, all, finds));

function read(root: Element, all: readonly Element[], reads: Habits['reads']): Reading {
  return new Map(
    READ.flatMap(([ns, name]) => {
      const candidates = named(all, ns, name).filter((element) => reads !== 'in place' || isInPlace(element, root));
      const chosen = reads === 'last' ? candidates.at(-1) : candidates[0];
      return chosen === undefined ? [] : [[name, chosen.textContent ?? ''] as const];
    }),
  );
}

const isElement = (node: Node): node is Element => node.nodeType === 1;

/** An element and all in it, in document order. */
function descendants(element: Element): Element[] {
  return [element, ...Array.from(element.childNodes).filter(isElement).flatMap(descendants)];
}

const READ: readonly (readonly [ns: string, name: string])[] = [
  [NS.soap11, 'Body'],
  [NS.soap12, 'Body'],
  [NS.wsu, 'Timestamp'],
  ...['To', 'Action', 'MessageID', 'RelatesTo', 'ReplyTo', 'FaultTo', 'From'].map((name) => [NS.wsa, name] as const),
  ...['Sequence', 'Activity', 'Participant'].map((name) => [NS.concordat, name] as const),
  ['urn:example', 'Flight'],
];

const named = (all: readonly Element[], ns: string, name: string): Element[] =>
  all.filter((element) => element.namespaceURI === ns && element.localName === name);

/** A child of the Envelope, of its Header, or of the Security header there. */
function isInPlace(element: Element, root: Element): boolean {
  const parent = element.parentNode;
  return parent === root || parent?.parentNode === root || parent?.parentNode?.parentNode === root;
}

function isValid(signature: Element, all: readonly Element[], finds: Habits['finds']): boolean {
  const below = descendants(signature);
  const [info] = named(below, NS.ds, 'SignedInfo');
  const [value] = named(below, NS.ds, 'SignatureValue');
  const [token] = named(all, NS.wsse, 'BinarySecurityToken');
  if (info === undefined || value === undefined || token === undefined) return false;
  const { publicKey } = new X509Certificate(Buffer.from(ownText(token), 'base64'));
  const bytes = Buffer.from(ownText(value), 'base64');
  if (!verify('sha256', Buffer.from(canonical(info)), { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes)) return false;
  return named(descendants(info), NS.ds, 'Reference').every((reference) => {
    const target = byId(all, (reference.getAttribute('URI') ?? '').slice(1), finds);
    const [wanted] = named(descendants(reference), NS.ds, 'DigestValue');
    return target !== undefined && createHash('sha256').update(canonical(target)).digest('base64') === wanted?.textContent;
  });
}

function byId(all: readonly Element[], id: string, finds: Habits['finds']): Element | undefined {
  const found = all.filter((element) =>
    Array.from(element.attributes).some((a) => a.localName.toLowerCase() === 'id' && a.value === id),
  );
  return finds === 'first' ? found[0] : found.at(-1);
}

const TEXT_NODE = 3;
const ownText = (element: Element): string =>
  Array.from(element.childNodes)
    .filter(({ nodeType }) => nodeType === TEXT_NODE)
    .map(({ nodeValue }) => nodeValue ?? '')
    .join('');
