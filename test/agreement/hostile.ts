import { NS } from '../../src/soap/index.js';
import type { Random } from '../support/random.js';

/** Writes XML that is well-formed, and as awkward for a canonicalizer as that allows. */

/** Of both cases, one the beginning of the other, some that a locale sorts otherwise than code points do. */
export const PREFIXES = ['a', 'B', 'b', 'A', 'aa', 'a-b', 'a.b', '_x', 'Z', 'é', 'z1', 'z10', 'z2'] as const;
/** Some begin with another; two prefixes will often have the same. */
const NAMESPACES = ['urn:a', 'urn:B', 'urn:b', 'urn:a:b', 'http://example.org/x', 'http://example.org/x/y', NS.wsa] as const;
const NAMES = ['x', 'Y', 'y', 'xy', 'ü', 'item', 'x-y', 'X.y'] as const;
const TEXTS = [
  'text',
  ' ',
  '\n',
  '\t',
  '\r\n',
  '\r',
  '&#xD;',
  '&#13;',
  '&#x9;',
  '&#xA;',
  '&amp;',
  '&lt;',
  '&gt;',
  '>',
  '&quot;',
  '&apos;',
  '&#65;',
  '&amp;amp;',
  'é',
  '\u{1F600}',
  '&#x1F600;',
  '\u00A0',
  ']]x',
] as const;
/** What a reference is known to stumble over comes seldom, so that the rest of most messages is compared with it. */
const SELDOM = 0.003;
/** What xmldom takes for line ends. */
const LINE_ENDS_ELSEWHERE = ['\u0085', '\u2028'] as const;

/** Prefixes in force with their namespaces; '' is the default namespace, absent where there is none. */
export type InForce = ReadonlyMap<string, string>;

export interface HostileOptions {
  /** Attributes to be written on the outermost element, with a prefix that is in force. */
  readonly attributes?: readonly string[];
  readonly name?: string;
  readonly depth?: number;
  /** Security headers must be without. */
  readonly hasComments?: boolean;
}

export class HostileWriter {
  constructor(private readonly random: Random) {}

  /** An element with all that is in it. */
  element(outer: InForce, { attributes = [], name, depth = 0, hasComments = true }: HostileOptions = {}): string {
    const { declarations, inForce } = this.declarations(outer);
    const qname = name ?? this.qname(inForce);
    const written = this.shuffled([...declarations, ...attributes, ...this.attributes(inForce)]);
    const tag = `${qname}${written.map((attribute) => this.gap() + attribute).join('')}${this.random.pick(['', '', ' ', '\n'])}`;
    const content = this.content(inForce, depth, hasComments);
    return content === '' && this.random.chance(0.5) ? `<${tag}/>` : `<${tag}>${content}</${qname}>`;
  }

  /** Declarations for one tag, and what is in force with them: new ones, others for old prefixes, the default namespace undeclared. */
  declarations(outer: InForce, least = 0): { declarations: string[]; inForce: InForce } {
    const changed = new Map<string, string>();
    for (let i = least + (this.random.chance(0.5) ? this.random.below(4) : 0); i > 0; i--) {
      if (this.random.chance(0.2)) changed.set('', outer.has('') && this.random.chance(0.5) ? '' : this.random.pick(NAMESPACES));
      else changed.set(this.random.pick(PREFIXES), this.random.pick(NAMESPACES));
    }
    const inForce = new Map([...outer, ...changed]);
    if (inForce.get('') === '') inForce.delete('');
    const declarations = [...changed].map(([prefix, ns]) => `xmlns${prefix === '' ? '' : `:${prefix}`}${this.quoted(ns)}`);
    return { declarations, inForce };
  }

  text(): string {
    if (this.random.chance(SELDOM)) return this.random.pick(LINE_ENDS_ELSEWHERE);
    return this.random.pick(TEXTS);
  }

  /** White space between attributes. */
  gap(): string {
    return this.random.pick([' ', ' ', ' ', '  ', '\n\t', '\r\n']);
  }

  quoted(value: string): string {
    const equals = this.random.pick(['=', '=', '=', ' = ', '=\n']);
    return this.random.chance(0.5)
      ? `${equals}"${value.replaceAll('"', '&quot;')}"`
      : `${equals}'${value.replaceAll("'", '&#39;')}'`;
  }

  private content(inForce: InForce, depth: number, hasComments: boolean): string {
    let content = '';
    for (let i = depth < 4 ? this.random.below(5) : this.random.below(2); i > 0; i--) {
      const kind = this.random.next();
      if (kind < 0.45 && depth < 5) content += this.element(inForce, { depth: depth + 1, hasComments });
      else if (kind < 0.8) content += this.text();
      else if (kind < 0.9 && hasComments) content += `<!--${this.random.pick([' ', 'a<b & c', '\r\n', 'é'])}-->`;
      else content += `<![CDATA[${this.random.pick(['', 'x', '<&>', '\r\n', ']]', '&#xD;'])}]]>`;
    }
    return content;
  }

  private qname(inForce: InForce): string {
    const prefix = this.random.pick([...inForce.keys(), '']);
    const local = this.random.pick(NAMES);
    return prefix === '' ? local : `${prefix}:${local}`;
  }

  /** No two of one name, by whatever prefix. */
  private attributes(inForce: InForce): string[] {
    const written = new Map<string, string>();
    for (let i = this.random.below(4); i > 0; i--) {
      const kind = this.random.next();
      const prefix = this.random.pick([...inForce.keys()].filter((key) => key !== '').concat('xml'));
      const local = this.random.chance(SELDOM) ? this.random.pick(PREFIXES) : this.random.pick(NAMES);
      if (kind < 0.4) written.set(local, local + this.value());
      else if (kind < 0.4 + SELDOM) written.set('xmlnsx', `xmlnsx${this.value()}`);
      else if (prefix === 'xml')
        written.set('xml', this.random.pick(['xml:lang="é"', "xml:space='preserve'", 'xml:base="urn:x"']));
      else written.set(`${inForce.get(prefix) ?? ''} ${local}`, `${prefix}:${local}${this.value()}`);
    }
    return [...written.values()];
  }

  private value(): string {
    return this.quoted(Array.from({ length: this.random.below(4) }, () => this.text()).join(''));
  }

  private shuffled<T>(values: readonly T[]): T[] {
    return values
      .map((value) => [this.random.next(), value] as const)
      .sort(([a], [b]) => a - b)
      .map(([, value]) => value);
  }
}
