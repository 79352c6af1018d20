import type { ClusterAddresses, ServedEndpoint } from '../contract/index.js';
import { urlOf } from '../contract/index.js';
import { ConcordatError } from '../errors.js';
import type { EndpointReference, OutgoingMessage, XmlElement } from '../soap/index.js';
import { referenceParameterHeaders } from '../soap/index.js';
import type { MessageEntry, Sequence } from '../soap/messages/index.js';
import { encodeSequence, messageAt, WSA_ANONYMOUS } from '../soap/messages/index.js';

/** What a client asks of a cluster: a numbered request of a stream, or (without `sequence`) a question. */
export interface ClusterRequest {
  readonly endpoint: ServedEndpoint;
  readonly messageId: string;
  /** Reference parameters of the endpoint reference it goes to. */
  readonly references: readonly XmlElement[];
  readonly body: XmlElement;
  readonly sequence?: Sequence;
  /** Who sends, and where Status and faults go that come later. */
  readonly from?: EndpointReference;
  /** The message that this one answers. */
  readonly relatesTo?: string;
}

/** Faults that a replica gives at once belong into the HTTP answer, or a 202 could stand for a refusal and be counted. */
const ON_THIS_EXCHANGE: EndpointReference = { address: WSA_ANONYMOUS, referenceParameters: [], extensions: [] };

/** What the tables of messages say about a request. */
export function entryOf(request: Pick<ClusterRequest, 'endpoint' | 'body'>): MessageEntry {
  const entry = messageAt(request.endpoint, request.body);
  if (entry === undefined) throw new ConcordatError('ActionNotSupported', `${request.body.name} at ${request.endpoint}`);
  return entry;
}

/** Addressed to the logical address: one signature serves all replicas (docs/architecture.md, identifiers and addresses). */
export function toMessage(request: ClusterRequest, addresses: ClusterAddresses): OutgoingMessage {
  const { endpoint, messageId, references, body, sequence, from, relatesTo } = request;
  return {
    soapVersion: '1.1',
    addressing: {
      to: urlOf(addresses.logical, endpoint),
      action: entryOf(request).action,
      messageId,
      ...(relatesTo === undefined ? {} : { relatesTo }),
      ...(from === undefined ? {} : { from, faultTo: ON_THIS_EXCHANGE }),
    },
    headers: [
      ...referenceParameterHeaders({ address: '', referenceParameters: references, extensions: [] }),
      ...(sequence === undefined ? [] : [encodeSequence(sequence)]),
    ],
    body,
  };
}
