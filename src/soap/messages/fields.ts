import { ConcordatError, type ErrorCode } from '../../errors.js';
import { PREFIX } from '../namespaces.js';
import { el, elements, is, isElement, serialize, text, type XmlElement } from '../xml.js';
import { MESSAGE_LIMITS } from './limits.js';

/** A qualified name; an XmlElement is one too. */
export interface QName {
  readonly ns: string;
  readonly name: string;
}

const MAX_SHOWN_NAME = 80;

/** A name as error details show it: with our usual prefix, else in Clark notation, clipped because the sender chose it. */
export function showName({ ns, name }: QName): string {
  const prefix = PREFIX.get(ns);
  const shown = prefix === undefined ? `{${ns}}${name}` : `${prefix}:${name}`;
  return shown.length <= MAX_SHOWN_NAME ? shown : `${shown.slice(0, MAX_SHOWN_NAME)}…`;
}

/** Throws unless the element has that name. */
export function expectName(element: XmlElement, ns: string, name: string, code: ErrorCode = 'InvalidParameters'): void {
  if (!is(element, ns, name)) throw new ConcordatError(code, `expected ${showName({ ns, name })}, found ${showName(element)}`);
}

/**
 * Reads the child elements of one element strictly in schema order. Each method takes what stands next; `extensions` or
 * `end` must come last, so that nothing is overlooked. Attributes are open in all schemas read here and are not looked at.
 */
export class Fields {
  readonly #parent: XmlElement;
  readonly #children: readonly XmlElement[];
  readonly #code: ErrorCode;
  #next = 0;

  constructor(parent: XmlElement, code: ErrorCode = 'InvalidParameters') {
    this.#parent = parent;
    this.#code = code;
    if (text(parent) !== '') this.fail('has text between its elements');
    this.#children = elements(parent);
  }

  fail(problem: string): never {
    throw new ConcordatError(this.#code, `${showName(this.#parent)} ${problem}`);
  }

  optional(ns: string, name: string): XmlElement | undefined {
    const candidate = this.#children[this.#next];
    if (candidate === undefined || !is(candidate, ns, name)) return undefined;
    this.#next += 1;
    return candidate;
  }

  required(ns: string, name: string): XmlElement {
    return this.optional(ns, name) ?? this.fail(`needs ${showName({ ns, name })} ${this.#here()}`);
  }

  many(ns: string, name: string, limit: number): XmlElement[] {
    const found: XmlElement[] = [];
    for (let next = this.optional(ns, name); next !== undefined; next = this.optional(ns, name)) {
      found.push(next);
      if (found.length > limit) this.fail(`has more than ${limit} ${showName({ ns, name })}`);
    }
    return found;
  }

  /** Everything that is left. Elements of `own`, the message's own namespace, would be misplaced parts and are refused. */
  extensions(own: string): readonly XmlElement[] {
    const rest = this.#children.slice(this.#next);
    const misplaced = rest.find((element) => element.ns === own);
    if (misplaced !== undefined) this.fail(`has a misplaced or repeated ${showName(misplaced)}`);
    this.#next = this.#children.length;
    return boundedOpenContent(rest, MESSAGE_LIMITS.extensions, (problem) => this.fail(problem));
  }

  end(): void {
    const extra = this.#children[this.#next];
    if (extra !== undefined) this.fail(`has an unexpected ${showName(extra)}`);
  }

  #here(): string {
    const found = this.#children[this.#next];
    return found === undefined ? 'at its end' : `where ${showName(found)} stands`;
  }
}

/** Lets elements of foreign meaning pass if they are few and small enough to be kept. */
export function boundedOpenContent(
  list: readonly XmlElement[],
  limit: number,
  fail: (problem: string) => never,
): readonly XmlElement[] {
  if (list.length > limit) fail(`has more than ${limit} extension elements`);
  const size = list.reduce((sum, element) => sum + serialize(element).length, 0);
  if (size > MESSAGE_LIMITS.openContent) fail(`has extension elements of more than ${MESSAGE_LIMITS.openContent} characters`);
  return list;
}

/** What a text may look like. All texts of these messages are one line without control characters. */
export interface TextRule {
  readonly max: number;
  readonly empty?: boolean;
  readonly pattern?: RegExp;
}

export const TEXT = {
  uri: { max: MESSAGE_LIMITS.uri, pattern: /^\S+$/u },
  matchcode: { max: MESSAGE_LIMITS.matchcode },
  id: { max: MESSAGE_LIMITS.id },
  writer: { max: MESSAGE_LIMITS.writer },
  exceptionIdentifier: { max: MESSAGE_LIMITS.exceptionIdentifier },
  certificate: { max: MESSAGE_LIMITS.certificate, pattern: /^[A-Za-z0-9+/]+={0,2}$/ },
  decision: { max: MESSAGE_LIMITS.decision },
} as const satisfies Record<string, TextRule>;

/** Control characters, lone surrogates and the two non-characters that XML 1.0 cannot carry. */
const FORBIDDEN = /[\p{Cc}\p{Cs}\uFFFE\uFFFF]/u;

const longerThan = (value: string, max: number): boolean =>
  value.length > max && (value.length > 2 * max || [...value].length > max);

function checkText(value: string, rule: TextRule, label: string, code: ErrorCode): string {
  const fail = (problem: string): never => {
    throw new ConcordatError(code, `${label} ${problem}`);
  };
  if (value === '' && rule.empty !== true) fail('is empty');
  if (longerThan(value, rule.max)) fail(`is longer than ${rule.max} characters`);
  if (FORBIDDEN.test(value)) fail('has a control character or one that XML cannot carry');
  if (rule.pattern !== undefined && !rule.pattern.test(value)) fail('has a character that is not allowed there');
  return value;
}

/** The trimmed text of an element without child elements. */
export function readText(element: XmlElement, rule: TextRule, code: ErrorCode = 'InvalidParameters'): string {
  const label = showName(element);
  if (element.children.some(isElement)) throw new ConcordatError(code, `${label} must hold text only`);
  return checkText(text(element), rule, label, code);
}

/** An element with text that `readText` gives back unchanged; anything else is refused here, before it is sent. */
export function textElement(ns: string, name: string, value: string, rule: TextRule): XmlElement {
  const label = showName({ ns, name });
  if (value !== value.trim()) throw new ConcordatError('InvalidParameters', `${label} begins or ends with white space`);
  return el(ns, name, {}, checkText(value, rule, label, 'InvalidParameters'));
}

/** An integer in canonical decimal form, min..max. */
export function readInteger(element: XmlElement, min: number, max: number, code: ErrorCode = 'InvalidParameters'): number {
  const lexical = readText(element, { max: 16 }, code);
  const value = Number(lexical);
  if (!/^(0|[1-9]\d*)$/.test(lexical) || value < min || value > max) {
    throw new ConcordatError(code, `${showName(element)} must be an integer from ${min} to ${max}`);
  }
  return value;
}

export function integerElement(
  ns: string,
  name: string,
  value: number,
  min: number,
  max: number,
  code: ErrorCode = 'InvalidParameters',
): XmlElement {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new ConcordatError(code, `${showName({ ns, name })} must be an integer from ${min} to ${max}`);
  }
  return el(ns, name, {}, String(value));
}

/** Clark notation, the form in which parsed QName values travel: `{namespace}local`. */
export const clark = (ns: string, name: string): string => (ns === '' ? name : `{${ns}}${name}`);

export function fromClark(value: string): QName | undefined {
  const match = /^\{([^{}]*)\}([^{}\s:]+)$/u.exec(value);
  return match?.[2] === undefined ? undefined : { ns: match[1] ?? '', name: match[2] };
}
