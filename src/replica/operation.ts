import { CodecError, decode, Writer } from '../bft/index.js';
import { parseCanonical } from '../soap/index.js';
import { serialize, type XmlElement } from '../soap/xml.js';

/** What a replicated request says: the signed parts that may influence state, and nothing else. It is a request's payload. */
export interface Operation {
  readonly action: string;
  readonly messageId: string;
  /** Milliseconds since 1970; a create's own time, from its stream header. */
  readonly created?: number;
  /** Reference parameter headers. */
  readonly references: readonly XmlElement[];
  readonly body: XmlElement;
}

const MAX_URI = 2_048;
const MAX_XML = 1024 * 1024;
const MAX_REFERENCES = 16;

export function encodeOperation(operation: Operation): Buffer {
  const references = operation.references.map(serialize).sort();
  return new Writer()
    .string(operation.action)
    .string(operation.messageId)
    .optional(operation.created, (w, created) => w.u53(created))
    .list(references, (w, xml) => w.string(xml))
    .string(serialize(operation.body))
    .finish();
}

/** A request is read when it is voted for and again when it is delivered. */
const decoded = new WeakMap<Uint8Array, Operation>();

/**
 * @param payload not to be changed afterwards
 * @throws CodecError, or ConcordatError MalformedXml, on anything that encodeOperation did not write
 */
export function decodeOperation(payload: Uint8Array): Operation {
  const known = decoded.get(payload);
  if (known !== undefined) return known;
  const operation = readOperation(payload);
  decoded.set(payload, operation);
  return operation;
}

function readOperation(payload: Uint8Array): Operation {
  return decode(payload, (reader) => {
    const action = reader.string(MAX_URI);
    const messageId = reader.string(MAX_URI);
    const created = reader.optional((r) => r.u53());
    const references = reader.list(MAX_REFERENCES, (r) => parseCanonical(r.string(MAX_XML)));
    const xml = reader.string(MAX_XML);
    const body = parseCanonical(xml);
    if (serialize(body) !== xml) throw new CodecError('a body that is not in normal form');
    return { action, messageId, references, body, ...(created === undefined ? {} : { created }) };
  });
}
