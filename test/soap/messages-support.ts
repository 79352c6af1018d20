import { expect } from '@jest/globals';
import { DOMParser } from '@xmldom/xmldom';
import { ConcordatError, type ErrorCode } from '../../src/errors.js';
import { NS } from '../../src/soap/namespaces.js';
import type { XmlElement, XmlNode } from '../../src/soap/xml.js';

/** Reads XML from outside into the tree the codecs work on; QName texts become Clark names, as the real parser makes them. */
export function parse(xml: string): XmlElement {
  const strict = (problem: unknown): never => {
    throw new Error(String(problem));
  };
  const parser = new DOMParser({ errorHandler: { warning: strict, error: strict, fatalError: strict } });
  return fromDom(parser.parseFromString(xml, 'text/xml').documentElement);
}

function fromDom(element: Element): XmlElement {
  const ns = element.namespaceURI ?? '';
  const attributes = Array.from({ length: element.attributes.length }, (_, index) => element.attributes.item(index))
    .filter((attribute) => attribute !== null)
    .filter((attribute) => attribute.prefix !== 'xmlns' && attribute.name !== 'xmlns')
    .map((attribute) => ({ ns: attribute.namespaceURI ?? '', name: attribute.localName, value: attribute.value }));
  const nodes = Array.from({ length: element.childNodes.length }, (_, index) => element.childNodes.item(index));
  const children = nodes.flatMap((node): XmlNode[] => {
    if (node.nodeType === node.ELEMENT_NODE) return [fromDom(node as Element)];
    return node.nodeType === node.TEXT_NODE && node.nodeValue !== null ? [node.nodeValue] : [];
  });
  const isName = ns === NS.wsba && (element.localName === 'State' || element.localName === 'ExceptionIdentifier');
  return { ns, name: element.localName, attributes, children: isName ? [clarkText(element)] : children };
}

function clarkText(element: Element): string {
  const lexical = (element.textContent ?? '').trim();
  const [prefix, local] = lexical.includes(':') ? lexical.split(':') : ['', lexical];
  const ns = element.lookupNamespaceURI(prefix ?? '');
  return ns === null ? lexical : `{${ns}}${local ?? ''}`;
}

/** Runs something that must be refused and says with which code and what detail. */
export function refusal(action: () => unknown): { code: ErrorCode; detail: string } {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(ConcordatError);
    if (error instanceof ConcordatError) return { code: error.code, detail: error.detail ?? '' };
  }
  throw new Error('nothing was refused');
}

export const wrap = (ns: string, name: string, inner: string): XmlElement =>
  parse(
    `<x:${name} xmlns:x="${ns}" xmlns:wscoor="${NS.wscoor}" xmlns:wsa="${NS.wsa}" xmlns:wsba="${NS.wsba}" xmlns:bai="${NS.wsbai}" xmlns:c="${NS.concordat}">${inner}</x:${name}>`,
  );
