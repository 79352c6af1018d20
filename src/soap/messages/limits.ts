/** Bounds of every message part; lengths in characters (code points). What exceeds one is refused with InvalidParameters. */
export const MESSAGE_LIMITS = {
  uri: 2048,
  matchcode: 256,
  /** Activity, invitation and participant ids. */
  id: 256,
  /** A writer: subject and issuer of a certificate in one line. */
  writer: 2048,
  exceptionIdentifier: 1024,
  /** The base64 proof of a Register. */
  certificate: 65_536,
  /** The text that describes a decision; it may name every participant. */
  decision: 262_144,
  /** Reference parameters of one endpoint reference. */
  referenceParameters: 16,
  /** Extension elements of one message, context or endpoint reference. */
  extensions: 16,
  /** All reference parameters, or all extensions, of one element together, serialized. */
  openContent: 65_536,
  /** Participants named by one request or listed by one response. */
  participants: 1024,
  /** Ids a listed participant waits for. */
  waitsFor: 1024,
  /** One of the things that a request waits for; the longest is a position, with the name of its stream. */
  waitsForLength: 2048,
  /** Waiting requests listed by one response. */
  waiting: 64,
  /** Replica URLs of one endpoint reference. */
  replicas: 64,
} as const;

/** The largest value of wscoor:Expires, an xs:unsignedInt; milliseconds. */
export const MAX_EXPIRES_MS = 4_294_967_295;

/** The largest number of a stream position. */
export const MAX_SEQUENCE_NUMBER = Number.MAX_SAFE_INTEGER;
