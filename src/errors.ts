/**
 * Every error a user of Concordat can meet, in one table: a stable code, the SOAP fault subcode it is reported as, whether
 * sending the same again can help, and a message. Faults, log lines and exit codes come from here; docs/errors.md lists it.
 */

export type FaultNamespace = 'wscoor' | 'wsa' | 'wsse' | 'soap' | 'concordat' | 'wsbai';

export interface ErrorEntry {
  /** Namespace and local name of the SOAP fault (sub)code. `soap` ones are top-level codes: Sender, Receiver, MustUnderstand, VersionMismatch. */
  readonly fault: readonly [FaultNamespace, string];
  /** 'sender' or 'receiver' at fault: the SOAP 1.2 top-level code, and 'Client' / 'Server' in SOAP 1.1. */
  readonly blame: 'sender' | 'receiver';
  /** True when the same request may succeed later; nothing was decided and no vote was given. */
  readonly retryable: boolean;
  readonly httpStatus: number;
  /** What a command that fails with it exits with: 2 for wrong use and wrong configuration, else 1. */
  readonly exitCode: 1 | 2;
  readonly message: string;
}

const sender = (fault: ErrorEntry['fault'], message: string, extra: Partial<ErrorEntry> = {}): ErrorEntry => ({
  fault,
  blame: 'sender',
  retryable: false,
  httpStatus: 500,
  exitCode: 1,
  message,
  ...extra,
});
const retry = (fault: ErrorEntry['fault'], message: string): ErrorEntry =>
  sender(fault, message, { blame: 'receiver', retryable: true });

const usage = (name: string, message: string): ErrorEntry => sender(['concordat', name], message, { exitCode: 2 });

export const ERRORS = {
  // What the HTTP edge refuses before it looks at the XML.
  TooLarge: sender(['soap', 'Sender'], 'The message is larger than this endpoint accepts', { httpStatus: 413 }),
  UnsupportedContentType: sender(['soap', 'Sender'], 'Send text/xml (SOAP 1.1) or application/soap+xml (SOAP 1.2)', {
    httpStatus: 415,
  }),
  ContentEncoding: sender(['soap', 'Sender'], 'Compressed messages are not accepted', { httpStatus: 415 }),
  NotFound: sender(['wsa', 'DestinationUnreachable'], 'There is no endpoint at this path', { httpStatus: 404 }),
  MethodNotAllowed: sender(['soap', 'Sender'], 'Use POST for SOAP and GET for ?wsdl', { httpStatus: 405 }),
  Busy: retry(['wsa', 'EndpointUnavailable'], 'Too many requests are in progress here; try again shortly'),
  // The shape of the envelope.
  MalformedXml: sender(['soap', 'Sender'], 'The message is not well-formed XML', { httpStatus: 400 }),
  Doctype: sender(['soap', 'Sender'], 'A DOCTYPE or entity declaration is not accepted', { httpStatus: 400 }),
  ProcessingInstruction: sender(['soap', 'Sender'], 'Processing instructions are not accepted', { httpStatus: 400 }),
  TooDeep: sender(['soap', 'Sender'], 'The XML is nested too deeply or has too many nodes', { httpStatus: 400 }),
  NotAnEnvelope: sender(['soap', 'VersionMismatch'], 'The root element is not a SOAP 1.1 or 1.2 Envelope in its own namespace'),
  EnvelopeStructure: sender(['soap', 'Sender'], 'An Envelope has at most one Header, then exactly one Body with one child', {
    httpStatus: 400,
  }),
  DuplicateId: sender(['wsse', 'InvalidSecurity'], 'Two elements carry the same Id', { httpStatus: 400 }),
  MustUnderstand: sender(['soap', 'MustUnderstand'], 'A header marked mustUnderstand is not understood'),
  // WS-Security.
  Unsigned: sender(['wsse', 'InvalidSecurity'], 'The message carries no WS-Security X.509 signature'),
  SignedPartMissing: sender(['wsse', 'InvalidSecurity'], 'A part that must be signed is not covered by the signature'),
  SignatureInvalid: sender(['wsse', 'FailedCheck'], 'The signature does not match the message'),
  AlgorithmRefused: sender(
    ['wsse', 'UnsupportedAlgorithm'],
    'A signature, digest, transform or canonicalization algorithm is not accepted',
  ),
  CertificateUntrusted: sender(
    ['wsse', 'FailedAuthentication'],
    'The certificate does not chain to a configured authority, is out of its validity, or is not for signing',
  ),
  CertificateRevoked: sender(['wsse', 'FailedAuthentication'], 'The authority has revoked this certificate, or one above it'),
  RevocationUnknown: retry(
    ['wsse', 'FailedAuthentication'],
    'Whether the certificate was revoked cannot be told here: a revocation list is out of date or cannot be read',
  ),
  MessageExpired: sender(['wsse', 'MessageExpired'], 'The timestamp is outside the accepted window; sign the same request again'),
  NotAuthorized: sender(['concordat', 'NotAuthorized'], 'This certificate may not do that'),
  // WS-Addressing.
  AddressingHeaderRequired: sender(['wsa', 'MessageAddressingHeaderRequired'], 'A required WS-Addressing header is missing'),
  InvalidAddressingHeader: sender(['wsa', 'InvalidAddressingHeader'], 'A WS-Addressing header is not valid'),
  OnlyAnonymousAddressSupported: sender(
    ['wsa', 'OnlyAnonymousAddressSupported'],
    'Nothing can be sent to that ReplyTo or FaultTo: give an http or https URL, wsa:anonymous or wsa:none',
  ),
  DestinationRefused: sender(
    ['concordat', 'DestinationRefused'],
    'This replica may not send messages to that address; its operator configures where it may',
  ),
  ActionNotSupported: sender(['wsa', 'ActionNotSupported'], 'The endpoint does not support this action'),
  ActionMismatch: sender(['wsa', 'ActionMismatch'], 'The Body, wsa:Action and SOAPAction do not agree'),
  DestinationUnreachable: sender(['wsa', 'DestinationUnreachable'], 'wsa:To names neither this replica nor its cluster'),
  // WS-Coordination.
  InvalidState: sender(['wscoor', 'InvalidState'], 'The message was invalid for the current state of the activity'),
  InvalidProtocol: sender(['wscoor', 'InvalidProtocol'], 'The protocol is invalid or is not supported by the coordinator'),
  InvalidParameters: sender(
    ['wscoor', 'InvalidParameters'],
    'The message contained invalid parameters and could not be processed',
  ),
  CannotCreateContext: sender(['wscoor', 'CannotCreateContext'], 'CoordinationContext could not be created'),
  CannotRegisterParticipant: sender(['wscoor', 'CannotRegisterParticipant'], 'Participant could not be registered'),
  DuplicateMatchcode: sender(['wsbai', 'duplicateMatchcodeFault'], 'The matchcode is already in use in this activity'),
  UnknownMatchcode: sender(['wsbai', 'unknownMatchcodeFault'], 'Nobody was ever invited with this matchcode in this activity'),
  // Streams.
  SequenceHeaderRequired: sender(
    ['concordat', 'SequenceHeaderRequired'],
    'This request is numbered: add a signed SOAP header c:Sequence (namespace urn:concordat:2026:coordination) with a c:Number child (and c:Created, a UTC time, on CreateCoordinationContext)',
  ),
  InvalidSequenceHeader: sender(['concordat', 'InvalidSequenceHeader'], 'The c:Sequence header does not fit this request'),
  NumberAlreadyUsed: sender(
    ['concordat', 'NumberAlreadyUsed'],
    'This number of the stream was already used for a different request; both are kept as evidence',
  ),
  NotInvited: sender(['concordat', 'NotInvited'], 'The invitation is reserved for another identity'),
  NotTheWriter: sender(['concordat', 'NotTheWriter'], 'The certificate that signed this request is not the writer of the stream'),
  UnknownActivity: retry(['concordat', 'UnknownActivity'], 'This replica does not know the activity (yet)'),
  UnknownParticipant: retry(['concordat', 'UnknownParticipant'], 'This replica does not know the participant (yet)'),
  UnknownEnrollment: retry(
    ['concordat', 'UnknownEnrollment'],
    'This participant does not know the enrollment: it works with another database than when it registered',
  ),
  PredecessorMissing: retry(['concordat', 'PredecessorMissing'], 'An earlier request of this stream has not been delivered yet'),
  // Beside UnknownMatchcode: the initiator may have invited already, and the replica not know it yet.
  InvitationMissing: retry(['wsbai', 'unknownMatchcodeFault'], 'The invitation has not been delivered here (yet)'),
  NotEnabled: retry(['concordat', 'NotEnabled'], 'The request must wait for participants that have not finished'),
  Starting: retry(['concordat', 'Starting'], 'The replica has just started and is asking its peers which of its votes they know'),
  Recovering: retry(
    ['concordat', 'Recovering'],
    'The replica has lost votes of its own, and leaves older activities to the others until they have certified the request',
  ),
  DiskFull: retry(['concordat', 'DiskFull'], 'The replica has no room to write to, and promises nothing until it has'),
  NoQuorum: retry(['concordat', 'NoQuorum'], 'Too few replicas confirmed the request in time; send the same again'),
  // Limits of one writer or one activity. They count before a vote only: what is certified is delivered beyond them.
  TooManyActivities: sender(['concordat', 'TooManyActivities'], 'This writer has as many open activities as it may have', {
    blame: 'receiver',
  }),
  TooManyParticipants: sender(['concordat', 'TooManyParticipants'], 'The activity has as many participants as it may have', {
    blame: 'receiver',
  }),
  TooManyRequests: retry(
    ['concordat', 'TooManyRequests'],
    'Too many requests of this writer are in progress here; send it again when some are through',
  ),
  Internal: retry(['soap', 'Receiver'], 'The replica could not process the message'),
  PeerUnreachable: retry(['wsa', 'EndpointUnavailable'], 'The endpoint could not be reached or gave no SOAP answer in time'),
  // The command line.
  Usage: usage('Usage', 'Wrong use of the command'),
  ConfigMissing: usage('ConfigMissing', 'cluster.json or a key file is not there, or cannot be read'),
  ConfigInvalid: usage('ConfigInvalid', 'cluster.json or a key is not valid'),
  PortInUse: usage('PortInUse', 'A configured port is already in use'),
  KeyMismatch: usage('KeyMismatch', 'A private key does not belong to its certificate or cluster entry'),
  StoreCorrupt: sender(['concordat', 'StoreCorrupt'], 'The database is damaged, or is none of this kind', { blame: 'receiver' }),
  StoreDenied: usage('StoreDenied', 'The database cannot be opened or written: its rights or its file system forbid it'),
  StoreVersion: usage('StoreVersion', 'The database is of another release of Concordat'),
  StoreFailed: retry(['concordat', 'StoreFailed'], 'The disk of the database failed'),
  ReplicaUnreachable: retry(['concordat', 'ReplicaUnreachable'], 'The replica cannot be reached or does not answer'),
  StoreInUse: usage('StoreInUse', 'The database is in use by another process'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text);

/** A code that travelled as text. What is not in the table becomes Internal. */
export const asErrorCode = (text: string): ErrorCode => (isErrorCode(text) ? text : 'Internal');

/** The one error class that crosses module borders: a stable code and a specific detail. */
export class ConcordatError extends Error {
  constructor(
    readonly code: ErrorCode,
    /** What exactly was wrong this time; shown after the table's message. */
    readonly detail?: string,
    options?: ErrorOptions & { readonly waitsFor?: readonly string[] },
  ) {
    super(detail === undefined ? ERRORS[code].message : `${ERRORS[code].message}: ${detail}`, options);
    this.name = 'ConcordatError';
    this.waitsFor = options?.waitsFor ?? [];
  }

  /** What has to happen first, for errors that a later attempt may not meet: ids of participants, positions of streams. */
  readonly waitsFor: readonly string[];

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}
