/** An attribute as written, its prefix resolved. Namespace declarations are not attributes here. */
export interface SourceAttribute {
  /** '' for none. */
  readonly prefix: string;
  readonly local: string;
  /** '' for an attribute without a prefix. */
  readonly ns: string;
  /** Normalized (XML 1.0 §3.3.3), references decoded. */
  readonly value: string;
}

/** `xmlns:prefix="ns"`, or the default namespace if the prefix is ''. */
export interface Declaration {
  readonly prefix: string;
  readonly ns: string;
}

/** An element as written: prefixes and declarations are still there, for canonicalization needs them. */
export interface SourceElement {
  readonly parent: SourceElement | undefined;
  /** As written, with its prefix. */
  readonly qname: string;
  readonly prefix: string;
  readonly local: string;
  readonly ns: string;
  /** In the order of the document. */
  readonly attributes: readonly SourceAttribute[];
  readonly declarations: readonly Declaration[];
  /** Texts are decoded, and one text is whole: CDATA sections and comments do not split it. */
  readonly children: readonly SourceNode[];
  /** True if a comment is directly inside. */
  readonly hasComment: boolean;
}

export type SourceNode = SourceElement | string;

export interface SourceDocument {
  readonly root: SourceElement;
  /** All elements in the order of the document. */
  readonly elements: readonly SourceElement[];
}

export const isSourceElement = (node: SourceNode): node is SourceElement => typeof node !== 'string';

export const childElements = (parent: SourceElement): SourceElement[] => parent.children.filter(isSourceElement);

export const isNamed = (element: SourceElement, ns: string, local: string): boolean =>
  element.local === local && element.ns === ns;

/** The value of an attribute; '' for `ns` if it has no prefix. */
export const attributeOf = (element: SourceElement, ns: string, local: string): string | undefined =>
  element.attributes.find((attribute) => attribute.local === local && attribute.ns === ns)?.value;

/** All character data directly inside the element. */
export const textOf = (element: SourceElement): string =>
  element.children.filter((node): node is string => typeof node === 'string').join('');
