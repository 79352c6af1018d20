import { NS } from '../../src/soap/index.js';
import type { Sample } from './scene.js';

/** Replaces the first occurrence and insists that there is one. `to` is taken literally. */
export function swap(text: string, from: string, to: string): string {
  const at = text.indexOf(from);
  if (at === -1) throw new Error(`nothing to replace: ${from.slice(0, 80)}`);
  return text.slice(0, at) + to + text.slice(at + from.length);
}

/** The same for a pattern, of which all groups may be used. */
export function swapMatch(text: string, pattern: RegExp, to: (...groups: string[]) => string): string {
  if (!pattern.test(text)) throw new Error(`nothing to replace: ${String(pattern)}`);
  pattern.lastIndex = 0;
  return text.replace(pattern, (...match: string[]) => to(...match));
}

export const insertBefore = (text: string, mark: string, what: string): string => swap(text, mark, `${what}${mark}`);
export const insertAfter = (text: string, mark: string, what: string): string => swap(text, mark, `${mark}${what}`);

/** The first element of that qualified name, tags included. In our own messages no element holds another of its name. */
export function cut(text: string, qname: string): string {
  const start = new RegExp(`<${qname}[\\s>/]`).exec(text)?.index;
  const close = `</${qname}>`;
  const end = start === undefined ? -1 : text.indexOf(close, start);
  if (start === undefined || end === -1) throw new Error(`there is no ${qname}`);
  return text.slice(start, end + close.length);
}

/** The value of the wsu:Id of an element. */
export function idOf(element: string): string {
  const id = /^<[^>]* wsu:Id="([^"]*)"/.exec(element)?.[1];
  if (id === undefined) throw new Error(`no Id on ${element.slice(0, 80)}`);
  return id;
}

export const withoutId = (element: string): string => swapMatch(element, / wsu:Id="[^"]*"/, () => '');
export const withId = (element: string, id: string): string => swapMatch(element, / wsu:Id="[^"]*"/, () => ` wsu:Id="${id}"`);

/** A part of a message that a signature covers, and how an attacker would have it. */
export interface Part {
  readonly name: string;
  readonly kind: 'body' | 'timestamp' | 'header';
  of(sample: Sample): string;
  evil(element: string): string;
}

const header = (qname: string, text: string): Part => ({
  name: qname,
  kind: 'header',
  of: ({ raw }) => cut(raw, qname),
  evil: (element) => swapMatch(element, />[^<]*<\//, () => `>${text}</`),
});
const endpoint = (qname: string): Part => ({
  name: qname,
  kind: 'header',
  of: ({ raw }) => cut(raw, qname),
  evil: (element) => swapMatch(element, /<wsa:Address>[^<]*/, () => '<wsa:Address>https://evil.example/'),
});

export const BODY: Part = {
  name: 'Body',
  kind: 'body',
  of: ({ raw, soap }) => cut(raw, `${soap}:Body`),
  evil: (element) => swap(element, '/ParticipantCompletion', '/CoordinatorCompletion'),
};
export const TIMESTAMP: Part = {
  name: 'Timestamp',
  kind: 'timestamp',
  of: ({ raw }) => cut(raw, 'wsu:Timestamp'),
  evil: (element) => swapMatch(element, /(<wsu:Expires>)(\d{4})/, (_all, tag, year) => `${tag}${Number(year) + 1}`),
};
export const HEADERS: readonly Part[] = [
  header('wsa:To', 'https://evil.example/'),
  header('wsa:Action', 'urn:evil'),
  header('wsa:MessageID', 'urn:uuid:666'),
  header('wsa:RelatesTo', 'urn:uuid:666'),
  endpoint('wsa:ReplyTo'),
  endpoint('wsa:FaultTo'),
  endpoint('wsa:From'),
  header('c:Sequence', '666'),
  header('c:Activity', 'urn:uuid:evil'),
  header('c:Participant', 'urn:uuid:evil'),
  header('n1:Flight', '666'),
];
export const PARTS: readonly Part[] = [BODY, TIMESTAMP, ...HEADERS];

export const WSU = `xmlns:wsu="${NS.wsu}"`;
export const EVIL = 'xmlns:x="urn:evil"';
export const wrapped = (what: string): string => `<x:Wrapper ${EVIL}>${what}</x:Wrapper>`;

/** Puts something at the beginning or end of the Header. */
export const firstHeader = (raw: string, { soap }: Sample, what: string): string => insertAfter(raw, `<${soap}:Header>`, what);
export const lastHeader = (raw: string, { soap }: Sample, what: string): string => insertBefore(raw, `</${soap}:Header>`, what);
