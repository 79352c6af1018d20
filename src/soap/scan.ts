import { ConcordatError } from '../errors.js';
import type { ParseLimits } from './limits.js';

/**
 * A strict, linear reading of the raw text before any tree is built: well-formedness as XML 1.0 §2 has it, the limits, and no
 * DOCTYPE and no processing instruction. The DOM library is lenient in places (text after the root, undefined entities,
 * any character); what passes here leaves it no choice.
 */
export function scan(raw: string, limits: ParseLimits): void {
  if (Buffer.byteLength(raw, 'utf8') > limits.maxBytes)
    throw new ConcordatError('TooLarge', `more than ${limits.maxBytes} bytes`);
  if (FORBIDDEN_CHARACTER.test(raw)) throw malformed('a character that XML does not allow');
  new Scanner(raw, limits).run();
}

/** Anything outside the production Char of XML 1.0 §2.2, lone surrogates included. */
export const FORBIDDEN_CHARACTER = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

const START =
  'A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}-\\u{200D}\\u{2070}-\\u{218F}' +
  '\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}';
const NCNAME = `[${START}][\\u{300}-\\u{36F}${START}\\-.0-9\\u{B7}\\u{203F}-\\u{2040}]*`;
const QNAME = `${NCNAME}(?::${NCNAME})?`;

const DECLARATION =
  /^<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')(?:\s+encoding\s*=\s*(?:"([^"]*)"|'([^']*)'))?(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>/;
const OPEN = new RegExp(`<(${QNAME})`, 'uy');
const ATTRIBUTE = new RegExp(`\\s+(${QNAME})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'uy');
const TAG_END = /\s*(\/?)>/y;
const CLOSE = new RegExp(`</(${QNAME})\\s*>`, 'uy');
const REFERENCE = /&(?:(?:amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));/y;

const malformed = (detail: string): ConcordatError => new ConcordatError('MalformedXml', detail);
const tooDeep = (detail: string): ConcordatError => new ConcordatError('TooDeep', detail);

class Scanner {
  private at = 0;
  private nodes = 0;
  private roots = 0;
  private readonly open: string[] = [];

  constructor(
    private readonly raw: string,
    private readonly limits: ParseLimits,
  ) {}

  run(): void {
    this.declaration();
    while (this.at < this.raw.length) {
      this.count();
      this.token();
    }
    if (this.open.length > 0) throw malformed(`${this.open.at(-1)} is not closed`);
    if (this.roots !== 1) throw malformed('there is no root element');
  }

  private declaration(): void {
    const match = DECLARATION.exec(this.raw);
    if (match === null) return;
    const encoding = match[1] ?? match[2] ?? 'UTF-8';
    if (encoding.toUpperCase() !== 'UTF-8') throw malformed(`encoding ${encoding}; only UTF-8 is accepted`);
    this.at = match[0].length;
  }

  private token(): void {
    const { raw, at } = this;
    if (raw[at] !== '<') this.text();
    else if (raw.startsWith('</', at)) this.closeTag();
    else if (raw.startsWith('<!--', at)) this.comment();
    else if (raw.startsWith('<![CDATA[', at)) this.cdata();
    else if (raw.startsWith('<!', at)) throw new ConcordatError('Doctype');
    else if (raw.startsWith('<?', at)) throw new ConcordatError('ProcessingInstruction');
    else this.openTag();
  }

  private text(): void {
    const next = this.raw.indexOf('<', this.at);
    const end = next === -1 ? this.raw.length : next;
    const run = this.raw.slice(this.at, end);
    if (this.open.length === 0 && /[^ \t\r\n]/.test(run)) throw malformed('text outside the root element');
    if (run.includes(']]>')) throw malformed('"]]>" in text');
    checkReferences(run);
    this.at = end;
  }

  private openTag(): void {
    const name = this.match(OPEN, 'a tag')[1] ?? '';
    const seen = new Set<string>();
    for (let attribute = this.tryMatch(ATTRIBUTE); attribute !== null; attribute = this.tryMatch(ATTRIBUTE)) {
      const attributeName = attribute[1] ?? '';
      if (seen.has(attributeName)) throw malformed(`attribute ${attributeName} is given twice`);
      seen.add(attributeName);
      if (seen.size > this.limits.maxAttributes) throw tooDeep(`more than ${this.limits.maxAttributes} attributes on ${name}`);
      this.count();
      checkReferences(attribute[2] ?? attribute[3] ?? '');
    }
    const selfClosing = this.match(TAG_END, `the tag ${name}`)[1] === '/';
    if (this.open.length === 0 && (this.roots += 1) > 1) throw malformed('more than one root element');
    if (this.open.length >= this.limits.maxDepth) throw tooDeep(`deeper than ${this.limits.maxDepth}`);
    if (!selfClosing) this.open.push(name);
  }

  private closeTag(): void {
    const name = this.match(CLOSE, 'a closing tag')[1] ?? '';
    if (this.open.pop() !== name) throw malformed(`</${name}> closes nothing`);
  }

  private comment(): void {
    const end = this.raw.indexOf('--', this.at + 4);
    if (end === -1 || this.raw[end + 2] !== '>') throw malformed('a comment');
    this.at = end + 3;
  }

  private cdata(): void {
    const end = this.raw.indexOf(']]>', this.at);
    if (end === -1 || this.open.length === 0) throw malformed('a CDATA section');
    this.at = end + 3;
  }

  private count(): void {
    this.nodes += 1;
    if (this.nodes > this.limits.maxNodes) throw tooDeep(`more than ${this.limits.maxNodes} nodes`);
  }

  private tryMatch(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.raw);
    if (match !== null) this.at = pattern.lastIndex;
    return match;
  }

  private match(pattern: RegExp, what: string): RegExpExecArray {
    const match = this.tryMatch(pattern);
    if (match === null) throw malformed(`${what} at character ${this.at}`);
    return match;
  }
}

/** Every ampersand begins one of the five entities or a reference to a character that XML allows. */
function checkReferences(run: string): void {
  for (let at = run.indexOf('&'); at !== -1; at = run.indexOf('&', at + 1)) {
    REFERENCE.lastIndex = at;
    const match = REFERENCE.exec(run);
    if (match === null) throw malformed('an entity that is not defined');
    const code = match[1] !== undefined ? parseInt(match[1], 10) : match[2] !== undefined ? parseInt(match[2], 16) : 0x20;
    if (code > 0x10ffff || FORBIDDEN_CHARACTER.test(String.fromCodePoint(code)))
      throw malformed('a reference to a forbidden character');
  }
}
