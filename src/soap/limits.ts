/** The bounds of one message. Whatever goes beyond them is refused before a tree is built of it. */
export interface ParseLimits {
  /** Bytes of UTF-8. */
  readonly maxBytes: number;
  /** Elements inside each other. */
  readonly maxDepth: number;
  /** Elements, text runs, comments and attributes together. */
  readonly maxNodes: number;
  /** Attributes and namespace declarations of one element. */
  readonly maxAttributes: number;
  /** Namespace declarations in force at one place, those that inner ones hide included. */
  readonly maxNamespaces: number;
  /** Characters of a name, its prefix included. */
  readonly maxNameLength: number;
  /** Characters of the name of a namespace. */
  readonly maxNamespaceLength: number;
}

export const PARSE_LIMITS: ParseLimits = {
  maxBytes: 1_048_576,
  maxDepth: 64,
  maxNodes: 50_000,
  maxAttributes: 64,
  maxNamespaces: 256,
  maxNameLength: 256,
  maxNamespaceLength: 1024,
};

/** References of one signature: every header block, the Body, the Timestamp and the token, with room to spare. */
export const MAX_REFERENCES = 40;
/** Prefixes in one list of inclusive namespaces. */
export const MAX_INCLUSIVE_PREFIXES = 64;
/** Characters of the canonical form of one signed part: a namespace may be written many times that its message declares once. */
export const MAX_CANONICAL_LENGTH = 4_194_304;
/** Header blocks of one envelope. */
export const MAX_HEADERS = 40;
/** Characters of an address, a message id or an action. */
export const MAX_URI_LENGTH = 2048;
/** How long a message we sign stays valid, in milliseconds. */
export const TIMESTAMP_LIFETIME_MS = 5 * 60_000;
/** Certificates whose chain is remembered as checked. */
export const TRUST_CACHE_SIZE = 1024;
/** Characters of base64 of one certificate. */
export const MAX_TOKEN_LENGTH = 16_384;
/** Characters of the detail text of a fault. */
export const MAX_FAULT_DETAIL = 1024;
/** Headers named in one fault as not understood. */
export const MAX_NOT_UNDERSTOOD = 16;
/** Names of what a request waits for in one fault. */
export const MAX_FAULT_WAITS_FOR = 64;

/** The bounds of the HTTP edge. Times in milliseconds. */
export interface EdgeLimits {
  /** Size of a request body in bytes, declared and counted. */
  readonly maxBytes: number;
  /** Requests in progress; one more is answered Busy. */
  readonly maxConcurrent: number;
  /** Connections at once; one more is refused. */
  readonly maxConnections: number;
  /** From the connection to the end of the headers. */
  readonly headersTimeoutMs: number;
  /** From the end of the headers to the end of the body. */
  readonly bodyTimeoutMs: number;
  /** How long the handler may take before the sender is told to try again. */
  readonly handlerTimeoutMs: number;
  /** How long an idle connection is kept. */
  readonly keepAliveTimeoutMs: number;
  /** Size of the headers in bytes. */
  readonly maxHeaderBytes: number;
}

export const EDGE_LIMITS: EdgeLimits = {
  maxBytes: 1_048_576,
  maxConcurrent: 256,
  maxConnections: 1024,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 20_000,
  handlerTimeoutMs: 60_000,
  keepAliveTimeoutMs: 30_000,
  maxHeaderBytes: 16_384,
};

/** The bounds of the client side. */
export interface TransportLimits {
  /** For a whole exchange, in milliseconds. */
  readonly timeoutMs: number;
  /** Size of an answer in bytes. */
  readonly maxResponseBytes: number;
  /** Connections to one host at once. */
  readonly maxSocketsPerHost: number;
}

export const TRANSPORT_LIMITS: TransportLimits = { timeoutMs: 70_000, maxResponseBytes: 4_194_304, maxSocketsPerHost: 32 };
