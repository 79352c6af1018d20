import { FORBIDDEN_CHARACTER } from './characters.js';
import { malformed } from './errors.js';

const REFERENCE = /&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));/y;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Character data as it is meant: line ends as XML 1.0 §2.11 has them, then references. */
export function decodeText(text: string): string {
  return decodeReferences(normalizeLineEnds(text));
}

/** Line ends are a line feed each. */
export const normalizeLineEnds = (text: string): string => (text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text);

/** An attribute's value as it is meant (XML 1.0 §3.3.3): white space as written is spaces, as a reference it stays what it is. */
export function decodeAttribute(value: string): string {
  return decodeReferences(/[\t\n\r]/.test(value) ? value.replace(/\r\n|[\t\n\r]/g, ' ') : value);
}

/** In one pass, so that `&amp;lt;` is the text `&lt;`. Only the five entities and characters that XML allows. */
function decodeReferences(text: string): string {
  let at = text.indexOf('&');
  if (at === -1) return text;
  const parts: string[] = [];
  let done = 0;
  for (; at !== -1; at = text.indexOf('&', done)) {
    parts.push(text.slice(done, at));
    REFERENCE.lastIndex = at;
    const match = REFERENCE.exec(text);
    if (match === null) throw malformed('an entity that is not defined');
    parts.push(character(match));
    done = REFERENCE.lastIndex;
  }
  parts.push(text.slice(done));
  return parts.join('');
}

function character([, entity, decimal, hexadecimal]: RegExpExecArray): string {
  if (entity !== undefined) return ENTITIES[entity] ?? '';
  const code = decimal === undefined ? parseInt(hexadecimal ?? '', 16) : parseInt(decimal, 10);
  const decoded = code > 0x10ffff ? undefined : String.fromCodePoint(code);
  if (decoded === undefined || FORBIDDEN_CHARACTER.test(decoded)) throw malformed('a reference to a forbidden character');
  return decoded;
}
