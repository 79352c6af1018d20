/** The package's public face: initiators, participants, and what a business service needs to speak signed SOAP. */
export { Initiator } from './initiator.js';
export type { CreateActivityOptions, InitiatorOptions } from './initiator.js';
export { InitiatorActivity } from './activity.js';
export type { ActivityDecision, WaitOptions } from './activity.js';
export type { DecisionRecord } from './activity-record.js';
export type { ParticipantState } from './participant-lists.js';
export { Participant, PARTICIPANT_PATH } from './participant.js';
export type { InvalidStateEvent, ParticipantOptions, RegisterOptions } from './participant.js';
export { Enrollment } from './enrollment.js';
export type { EnrollmentEnd, StatusOptions } from './enrollment.js';
export { CannotUndo } from './handlers.js';
export type { Handler, Handlers } from './handlers.js';
export { MemoryClientStore, SqliteClientStore } from '../store/index.js';
export type { ClientItem, ClientStore } from '../store/index.js';
export { configuredView, contextOf, contextView, viewFromContext } from './cluster-view.js';
export type { ClusterView } from './cluster-view.js';
export { VotingCaller } from './voting.js';
export type { AskOptions, Suspicion, VotingOptions } from './voting.js';
export type { ClusterRequest } from './request.js';
export type { Agreed } from './tally.js';
export { CLIENT_LIMITS } from './limits.js';
export type { ClientLimits } from './limits.js';
export { signedWsdlClient } from './wsdl-client.js';
export type { SignedWsdlClient, SignedWsdlClientOptions } from './wsdl-client.js';
export { createSigner, createVerifier, ownIdentity } from './credentials.js';
export { loadClientKeys, loadCluster, loadPkcs12 } from '../config/index.js';
export type { KeyPair, LoadedCluster } from '../config/index.js';
export { ConcordatError, ERRORS } from '../errors.js';
export type { ErrorCode, ErrorEntry } from '../errors.js';
export { createLogger, silentLogger } from '../log.js';
export type { Logger } from '../log.js';
export { el, HttpTransport, NS, serialize, Signer, SoapCaller, startEdge, Verifier } from '../soap/index.js';
export type {
  CallResult,
  Credentials,
  Edge,
  EdgeAnswer,
  EdgeOptions,
  EdgeRequest,
  EndpointReference,
  Identity,
  OutgoingMessage,
  VerifiedMessage,
  XmlElement,
} from '../soap/index.js';
export { contextFromXml, contextToXml, encodeSequence } from '../soap/messages/index.js';
export type { CoordinationContext } from '../soap/messages/index.js';
export type { Protocol, State } from '../wsba/index.js';
