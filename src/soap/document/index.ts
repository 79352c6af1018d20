/** XML as it was written: the hardened parse, the tree it gives, and the order of canonical XML. */
export { FORBIDDEN_CHARACTER, NOT_SPACE } from './characters.js';
export { detached } from './detached.js';
export { compareCodePoints } from './order.js';
export { parseDocument } from './parser.js';
export { Scope } from './scope.js';
export { attributeOf, childElements, isNamed, isSourceElement, textOf } from './tree.js';
export type { Declaration, SourceAttribute, SourceDocument, SourceElement, SourceNode } from './tree.js';
