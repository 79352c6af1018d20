import { ConcordatError } from '../../errors.js';
import { NS } from '../namespaces.js';
import { el, type XmlElement } from '../xml.js';
import { Fields, readText, TEXT, textElement } from './fields.js';

/** Names a participant: by id, or by a matchcode that only one participant used. At least one of the two. */
export interface ParticipantRef {
  readonly matchcode?: string;
  readonly participantId?: string;
}

/** Writes bai:BAParticipantReferenceType as the element `name`. */
export function encodeReference(name: string, ref: ParticipantRef): XmlElement {
  const { matchcode, participantId } = ref;
  if (matchcode === undefined && participantId === undefined) nameless();
  return el(
    NS.wsbai,
    name,
    {},
    matchcode === undefined ? undefined : textElement(NS.wsbai, 'participantMatchcode', matchcode, TEXT.matchcode),
    participantId === undefined ? undefined : textElement(NS.concordat, 'ParticipantId', participantId, TEXT.id),
  );
}

/** Reads an element of that type, whatever its name. */
export function decodeReference(element: XmlElement): ParticipantRef {
  const fields = new Fields(element);
  const matchcode = fields.optional(NS.wsbai, 'participantMatchcode');
  const participantId = fields.optional(NS.concordat, 'ParticipantId');
  fields.end();
  if (matchcode === undefined && participantId === undefined) nameless();
  return {
    ...(matchcode && { matchcode: readText(matchcode, TEXT.matchcode) }),
    ...(participantId && { participantId: readText(participantId, TEXT.id) }),
  };
}

function nameless(): never {
  throw new ConcordatError('InvalidParameters', 'a participant is named by bai:participantMatchcode or c:ParticipantId');
}
