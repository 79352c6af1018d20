/** What a replica writes down. Numbers are safe integers; a stream is named by the text the core gives it. */

/** One vote of ours: there is one for each position and kind, ever. */
export interface VoteRecord {
  readonly type: 'vote';
  readonly kind: VoteKind;
  readonly stream: string;
  readonly number: number;
  /** 32 bytes */
  readonly digest: Uint8Array;
}

export type VoteKind = 'echo' | 'ready';

/** A request, kept under its digest. */
export interface RequestRecord {
  readonly type: 'request';
  readonly digest: Uint8Array;
  /** Canonical encoding, from which the digest was made. */
  readonly content: Uint8Array;
  /** The signed SOAP message as it came; may be empty. */
  readonly proof: Uint8Array;
}

/** A request delivered to the service; the next entry of the local delivery log. Its request must be stored, too. */
export interface DeliveryRecord {
  readonly type: 'delivery';
  readonly stream: string;
  readonly number: number;
  readonly digest: Uint8Array;
  readonly certificate: Uint8Array;
}

/** A first-round certificate of a control stream, kept for its READY. */
export interface CertificateRecord {
  readonly type: 'certificate';
  readonly stream: string;
  readonly number: number;
  readonly digest: Uint8Array;
  readonly certificate: Uint8Array;
}

/** Two signed statements that contradict each other. */
export interface EvidenceRecord {
  readonly type: 'evidence';
  readonly kind: 'replica' | 'writer';
  readonly subject: string;
  /** stream#number */
  readonly about: string;
  readonly first: Uint8Array;
  readonly second: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** How far we have followed a peer's delivery log. */
export interface CursorRecord {
  readonly type: 'cursor';
  readonly peer: number;
  /** Names the peer's log; a peer that lost its store has a new one. */
  readonly epoch: string;
  /** 0 before the first entry. */
  readonly position: number;
}

/** A command that has no answer in the protocol and that HTTP accepted. */
export interface CommandDoneRecord {
  readonly type: 'command-done';
  readonly command: string;
}

export type StoreRecord =
  VoteRecord | RequestRecord | DeliveryRecord | CertificateRecord | EvidenceRecord | CursorRecord | CommandDoneRecord;

/** An entry of the local delivery log, with the content of its request. */
export interface LoggedDelivery {
  /** 1, 2, 3 … without gaps. */
  readonly position: number;
  readonly record: DeliveryRecord;
  readonly content: Uint8Array;
}
