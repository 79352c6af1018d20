import { ConcordatError } from '../../errors.js';
import type { ParseLimits } from '../limits.js';
import { CHAR, endOfName, FORBIDDEN_CHARACTER, isSpace } from './characters.js';
import { malformed, tooDeep } from './errors.js';
import { decodeAttribute } from './references.js';

/** XML 1.0 §2.8; a version other than 1.0 leaves it an ordinary, refused, processing instruction. */
const DECLARATION =
  /^<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')(?:\s+encoding\s*=\s*(?:"([^"]*)"|'([^']*)'))?(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>/;

/** The text and a place in it: reads what markup is made of. */
export class Reader {
  protected at = 0;
  /** The name that was read last. */
  protected qname = '';
  protected prefix = '';
  protected local = '';

  constructor(
    protected readonly raw: string,
    protected readonly limits: ParseLimits,
  ) {
    if (isLongerThan(raw, limits.maxBytes)) throw new ConcordatError('TooLarge', `more than ${limits.maxBytes} bytes`);
    if (FORBIDDEN_CHARACTER.test(raw)) throw malformed('a character that XML does not allow');
  }

  /** The UTF-16 unit here; NaN at the end. */
  protected peek(): number {
    return this.raw.charCodeAt(this.at);
  }

  protected xmlDeclaration(): void {
    const match = this.raw.startsWith('<?xml') ? DECLARATION.exec(this.raw) : null;
    if (match === null) return;
    const encoding = match[1] ?? match[2] ?? 'UTF-8';
    if (encoding.toUpperCase() !== 'UTF-8') throw malformed(`encoding ${encoding}; only UTF-8 is accepted`);
    this.at = match[0].length;
  }

  protected name(): void {
    const { raw, at } = this;
    const end = endOfName(raw, at);
    if (end === at) throw malformed(`a name was expected at character ${at}`);
    if (end - at > this.limits.maxNameLength) throw tooDeep(`a name of more than ${this.limits.maxNameLength} characters`);
    const qname = raw.slice(at, end);
    const colon = qname.indexOf(':');
    this.qname = qname;
    this.prefix = colon === -1 ? '' : qname.slice(0, colon);
    this.local = colon === -1 ? qname : qname.slice(colon + 1);
    this.at = end;
  }

  /** `= "…"`: the value as it is meant. */
  protected attributeValue(): string {
    const { raw } = this;
    this.skipSpace();
    if (this.peek() !== CHAR.equals) throw malformed(`an attribute without a value at character ${this.at}`);
    this.at += 1;
    this.skipSpace();
    const quote = this.peek();
    if (quote !== CHAR.quote && quote !== CHAR.apostrophe) throw malformed(`a value without quotes at character ${this.at}`);
    const start = this.at + 1;
    const end = raw.indexOf(quote === CHAR.quote ? '"' : "'", start);
    if (end === -1) throw malformed(`a value without an end at character ${start}`);
    this.at = end + 1;
    const value = raw.slice(start, end);
    if (value.includes('<')) throw malformed(`"<" in the value at character ${start}`);
    return decodeAttribute(value);
  }

  protected skipSpace(): void {
    while (isSpace(this.peek())) this.at += 1;
  }
}

/** A UTF-16 unit takes one to three bytes of UTF-8, so most texts need not be measured. */
function isLongerThan(raw: string, maxBytes: number): boolean {
  return raw.length > maxBytes || (raw.length * 3 > maxBytes && Buffer.byteLength(raw, 'utf8') > maxBytes);
}
