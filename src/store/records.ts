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

/** How many votes we have ever made. */
export interface MadeRecord {
  readonly type: 'made';
  readonly count: number;
}

/** The highest signed count of votes that a peer has shown. */
export interface HeardRecord {
  readonly type: 'heard';
  readonly peer: number;
  readonly mark: Uint8Array;
}

/** Why a replica may have forgotten votes of its own. */
export const LOSS_REASONS = ['votes-lost', 'store-set-aside', 'asked-to'] as const;
export type LossReason = (typeof LOSS_REASONS)[number];

/** This replica does not remember all its votes, so it abstains from whatever is older. */
export interface RecoveryRecord {
  readonly type: 'recovery';
  readonly reason: LossReason;
  /** When it was found out; milliseconds since the epoch. */
  readonly since: number;
  /** It votes in activities created after this time; milliseconds since the epoch. */
  readonly votesFrom: number;
}

/** A unit of the service that leaves this database for the archive: the next entry of the local delivery log. */
export interface RetiredRecord {
  readonly type: 'retired';
  readonly unit: string;
  /** SHA-256 of `record`, 32 bytes. */
  readonly hash: Uint8Array;
  readonly record: Uint8Array;
  /** What this replica alone knows of it. */
  readonly notes: Uint8Array;
  /** What it can be found by. */
  readonly names: readonly string[];
  /** Up to these numbers nothing of its streams is needed here any more. */
  readonly streams: readonly { readonly stream: string; readonly through: number }[];
  /** The deliveries that are here, for peers that may lack them; undefined if all have them. */
  readonly kept: Uint8Array | undefined;
  /** Commands of it that are done. */
  readonly commands: readonly string[];
  /** What it adds to the totals. */
  readonly prints: {
    readonly members: number;
    readonly deliveries: number;
    /** Digests, in hexadecimal digits. */
    readonly positions: string;
    readonly state: string;
  };
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export type StoreRecord =
  | RetiredRecord
  | VoteRecord
  | RequestRecord
  | DeliveryRecord
  | CertificateRecord
  | EvidenceRecord
  | CursorRecord
  | CommandDoneRecord
  | MadeRecord
  | HeardRecord
  | RecoveryRecord;

/** An entry of the local delivery log, with the content of its request. */
export interface LoggedDelivery {
  /** Rises; what is retired leaves gaps. */
  readonly position: number;
  readonly record: DeliveryRecord;
  readonly content: Uint8Array;
}
