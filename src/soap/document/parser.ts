import { ConcordatError } from '../../errors.js';
import type { ParseLimits } from '../limits.js';
import { NS } from '../namespaces.js';
import { CHAR, NOT_SPACE } from './characters.js';
import { readDeclaration } from './declarations.js';
import { malformed, tooDeep } from './errors.js';
import { Reader } from './reader.js';
import { decodeText, normalizeLineEnds } from './references.js';
import { Scope } from './scope.js';
import type { Declaration, SourceAttribute, SourceDocument, SourceElement, SourceNode } from './tree.js';

/**
 * The one hardened parse: well-formed XML 1.0 with namespaces, in one pass over the text, to a tree whose names are resolved. No
 * DOCTYPE and no processing instruction; everything bounded by the limits. Its time is linear in the length of the text.
 * @throws TooLarge, MalformedXml, Doctype, ProcessingInstruction, TooDeep
 */
export const parseDocument = (raw: string, limits: ParseLimits): SourceDocument => new Parser(raw, limits).run();

/** An attribute whose prefix may be declared after it, in the same tag. */
interface PendingAttribute extends SourceAttribute {
  ns: string;
}

/** An element that is being read. */
interface OpenElement extends SourceElement {
  readonly children: SourceNode[];
  hasComment: boolean;
}

/** What most elements have of either. */
const NO_ATTRIBUTES: readonly SourceAttribute[] = [];
const NO_DECLARATIONS: readonly Declaration[] = [];

class Parser extends Reader {
  private nodes = 0;
  private root: OpenElement | undefined;
  private parent: OpenElement | undefined;
  /** Of the elements that are open: the outer ones, and where their scopes began. */
  private readonly outer: (OpenElement | undefined)[] = [];
  private readonly marks: number[] = [];
  private readonly elements: OpenElement[] = [];
  private readonly scope = new Scope(NS.xml);

  run(): SourceDocument {
    this.xmlDeclaration();
    while (this.at < this.raw.length) {
      if (this.peek() === CHAR.less) this.markup();
      else this.text();
    }
    if (this.parent !== undefined) throw malformed(`${this.parent.qname} is not closed`);
    if (this.root === undefined) throw malformed('there is no root element');
    return { root: this.root, elements: this.elements };
  }

  private markup(): void {
    switch (this.raw.charCodeAt(this.at + 1)) {
      case CHAR.slash:
        return this.closeTag();
      case CHAR.question:
        throw new ConcordatError('ProcessingInstruction');
      case CHAR.bang:
        if (this.raw.startsWith('<!--', this.at)) return this.comment();
        if (this.raw.startsWith('<![CDATA[', this.at)) return this.cdata();
        throw new ConcordatError('Doctype');
      default:
        return this.openTag();
    }
  }

  private text(): void {
    const next = this.raw.indexOf('<', this.at);
    const end = next === -1 ? this.raw.length : next;
    const run = this.raw.slice(this.at, end);
    this.count();
    this.at = end;
    if (this.parent === undefined) {
      if (NOT_SPACE.test(run)) throw malformed('text outside the root element');
    } else if (run.includes(']]>')) throw malformed('"]]>" in text');
    else append(this.parent.children, decodeText(run));
  }

  private cdata(): void {
    const start = this.at + '<![CDATA['.length;
    const end = this.raw.indexOf(']]>', start);
    if (end === -1 || this.parent === undefined) throw malformed('a CDATA section');
    this.count();
    this.at = end + 3;
    if (end > start) append(this.parent.children, normalizeLineEnds(this.raw.slice(start, end)));
  }

  private comment(): void {
    const end = this.raw.indexOf('--', this.at + '<!--'.length);
    if (end === -1 || this.raw.charCodeAt(end + 2) !== CHAR.greater) throw malformed('a comment');
    this.count();
    this.at = end + 3;
    if (this.parent !== undefined) this.parent.hasComment = true;
  }

  private openTag(): void {
    this.at += 1;
    this.name();
    this.count();
    if (this.parent === undefined && this.root !== undefined) throw malformed('more than one root element');
    if (this.outer.length >= this.limits.maxDepth) throw tooDeep(`deeper than ${this.limits.maxDepth}`);
    const mark = this.scope.size;
    const element = this.element();
    this.elements.push(element);
    if (this.parent === undefined) this.root = element;
    else this.parent.children.push(element);
    this.endOfTag(element, mark);
  }

  /** The element whose name was just read, with its attributes: after them all that it declares is in scope. */
  private element(): OpenElement {
    const { qname, prefix, local, parent } = this;
    const { attributes, declarations } = this.attributes(qname);
    const ns = prefix === '' ? (this.scope.get('') ?? '') : this.resolve(prefix);
    return { parent, qname, prefix, local, ns, attributes, declarations, children: [], hasComment: false };
  }

  private attributes(tag: string): Pick<SourceElement, 'attributes' | 'declarations'> {
    if (!this.isAttributeNext(tag)) return { attributes: NO_ATTRIBUTES, declarations: NO_DECLARATIONS };
    const attributes: PendingAttribute[] = [];
    const declarations: Declaration[] = [];
    do {
      if (attributes.length + declarations.length >= this.limits.maxAttributes)
        throw tooDeep(`more than ${this.limits.maxAttributes} attributes on ${tag}`);
      this.count();
      this.name();
      const { qname, prefix, local } = this;
      const value = this.attributeValue();
      if (prefix === 'xmlns') this.declare(declarations, local, value);
      else if (qname === 'xmlns') this.declare(declarations, '', value);
      else attributes.push({ prefix, local, ns: '', value });
    } while (this.isAttributeNext(tag));
    this.resolveAll(attributes);
    return { attributes, declarations };
  }

  private isAttributeNext(tag: string): boolean {
    const before = this.at;
    this.skipSpace();
    const unit = this.peek();
    if (unit === CHAR.greater || unit === CHAR.slash) return false;
    if (this.at === before) throw malformed(`the tag ${tag} at character ${this.at}`);
    return true;
  }

  private declare(declarations: Declaration[], prefix: string, ns: string): void {
    if (declarations.some((other) => other.prefix === prefix)) throw malformed(`the prefix "${prefix}" is declared twice`);
    const declaration = readDeclaration(prefix, ns);
    if (declaration.ns.length > this.limits.maxNamespaceLength || this.scope.size >= this.limits.maxNamespaces)
      throw tooDeep(
        `a namespace of more than ${this.limits.maxNamespaceLength} characters, or more than ${this.limits.maxNamespaces}`,
      );
    this.scope.bind(prefix, declaration.ns);
    declarations.push(declaration);
  }

  /** Resolves the names, and refuses two that are the same (Namespaces in XML 1.0 §6.3). */
  private resolveAll(attributes: readonly PendingAttribute[]): void {
    attributes.forEach((attribute, i) => {
      if (attribute.prefix !== '') attribute.ns = this.resolve(attribute.prefix);
      for (let before = 0; before < i; before++) {
        const other = attributes[before];
        if (other?.local === attribute.local && other.ns === attribute.ns)
          throw malformed(`attribute {${attribute.ns}}${attribute.local} is given twice`);
      }
    });
  }

  private resolve(prefix: string): string {
    const ns = this.scope.get(prefix);
    if (ns === undefined) throw malformed(`the prefix ${prefix} is not declared`);
    return ns;
  }

  /** `>`, or `/>` for an element that ends here. */
  private endOfTag(element: OpenElement, mark: number): void {
    const isEmpty = this.peek() === CHAR.slash;
    if (isEmpty) this.at += 1;
    if (this.peek() !== CHAR.greater) throw malformed(`the tag ${element.qname} at character ${this.at}`);
    this.at += 1;
    if (isEmpty) return this.scope.release(mark);
    this.outer.push(this.parent);
    this.marks.push(mark);
    this.parent = element;
  }

  private closeTag(): void {
    const start = this.at + '</'.length;
    const element = this.parent;
    if (element === undefined || !this.raw.startsWith(element.qname, start))
      throw malformed(`the closing tag at character ${start} closes nothing`);
    this.at = start + element.qname.length;
    this.skipSpace();
    if (this.peek() !== CHAR.greater) throw malformed(`the closing tag at character ${start} closes nothing`);
    this.at += 1;
    this.parent = this.outer.pop();
    this.scope.release(this.marks.pop() ?? 0);
  }

  private count(): void {
    this.nodes += 1;
    if (this.nodes > this.limits.maxNodes) throw tooDeep(`more than ${this.limits.maxNodes} nodes`);
  }
}

/** Texts side by side are one text. */
function append(children: SourceNode[], text: string): void {
  const last = children.at(-1);
  if (typeof last === 'string') children[children.length - 1] = last + text;
  else children.push(text);
}
