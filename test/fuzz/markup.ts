/** A rough map of a text of XML: enough to change it where it matters. It need not be right about broken ones. */

export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface ElementSpan extends Span {
  readonly name: string;
  /** The end of its start tag. */
  readonly open: number;
  /** The start of its end tag; where it is one empty tag, its end. */
  readonly close: number;
}

export interface AttributeSpan extends Span {
  readonly name: string;
  readonly value: string;
}

const TAG = /<(\/?)([A-Za-z_][\w.:-]*)((?:[^<>"']|"[^"]*"|'[^']*')*?)(\/?)>/g;
const ATTRIBUTE = /\s([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g;

/** All elements whose tags fit, in the order in which they end. */
export function elementsIn(text: string): ElementSpan[] {
  const found: ElementSpan[] = [];
  const open: { name: string; start: number; open: number }[] = [];
  for (const match of text.matchAll(TAG)) {
    const [all, slash, name = '', , empty] = match;
    const end = match.index + all.length;
    if (slash === '/') {
      const started = open.pop();
      if (started?.name === name) found.push({ ...started, close: match.index, end });
    } else if (empty === '/') found.push({ name, start: match.index, open: end, close: end, end });
    else open.push({ name, start: match.index, open: end });
  }
  return found;
}

export function attributesIn(text: string): AttributeSpan[] {
  return [...text.matchAll(TAG)].flatMap((tag) => {
    const inside = tag.index + 1 + (tag[1] ?? '').length + (tag[2] ?? '').length;
    return [...(tag[3] ?? '').matchAll(ATTRIBUTE)].map((match) => ({
      name: match[1] ?? '',
      value: match[2] ?? match[3] ?? '',
      start: inside + match.index,
      end: inside + match.index + match[0].length,
    }));
  });
}

/** Tags, and the texts between them. */
export const tokensIn = (text: string): Span[] =>
  [...text.matchAll(/<[^>]*>|[^<]+/g)].map((match) => ({ start: match.index, end: match.index + match[0].length }));

export const slice = (text: string, { start, end }: Span): string => text.slice(start, end);
export const splice = (text: string, { start, end }: Span, by: string): string => text.slice(0, start) + by + text.slice(end);
export const insert = (text: string, at: number, what: string): string => text.slice(0, at) + what + text.slice(at);
