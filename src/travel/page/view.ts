/**
 * What the page shows, as data: the whole of it goes to the browser whenever it changes, and the browser adds nothing of its own.
 * Texts are sentences for people.
 */
export interface PageView {
  readonly cluster: ClusterView;
  readonly controls: 'buttons' | 'commands';
  readonly choices: readonly Choice[];
  readonly happened: readonly Happening[];
  readonly trips: readonly TripView[];
  readonly providers: readonly ProviderView[];
  readonly replicas: readonly ReplicaView[];
  readonly timeline?: TimelineView;
}

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'quiet';

export interface ClusterView {
  readonly answering: number;
  readonly n: number;
  /** How many must answer for anything to be decided: n − f. */
  readonly quorum: number;
  readonly tone: Tone;
  readonly says: string;
}

/** What a visitor can choose from, by provider. */
export interface Choice {
  readonly role: string;
  readonly label: string;
  readonly items: readonly { readonly item: string; readonly label: string }[];
}

export interface Happening {
  /** Stays the same while the text does, so that a screen reader is told of what is new only. */
  readonly id: string;
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
  /** Milliseconds since 1970; facts of this moment have none. */
  readonly at?: number;
}

export interface TripView {
  readonly booking: string;
  readonly activity?: string;
  readonly customer: string;
  readonly flight: string;
  readonly room: string;
  readonly coordinator: Standing;
  readonly airline: Standing;
  readonly hotel: Standing;
}

export interface Standing {
  readonly tone: Tone;
  readonly says: string;
}

export interface ProviderView {
  readonly role: string;
  readonly name: string;
  readonly error?: string;
  readonly full: boolean;
  readonly items: readonly { readonly label: string; readonly stock: number; readonly taken: number }[];
}

export interface ReplicaView {
  readonly id: number;
  readonly up: boolean;
  readonly tone: Tone;
  /** In a few words: "same state as the others". */
  readonly says: string;
  readonly error?: string;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  /** The start of its state digest; replicas with equal ones have the same number of `group`. */
  readonly digest?: { readonly text: string; readonly group: number };
  readonly links: readonly { readonly replica: number; readonly connected: boolean }[];
  readonly proofs: readonly ProofView[];
  readonly commands: readonly string[];
}

/** Two signed statements of one replica that contradict each other. */
export interface ProofView {
  readonly says: string;
  /** Its place: a number of a stream. */
  readonly position: number;
  readonly stream: string;
  /** That stream in words. */
  readonly whose: string;
  readonly shownBy: string;
  readonly statements: readonly { readonly says: string; readonly signed: string }[];
}

export interface TimelineView {
  readonly activity: string;
  readonly title: string;
  readonly lines: readonly TimelineLineView[];
  readonly omitted: number;
}

export interface TimelineLineView {
  readonly kind: 'request' | 'command';
  /** The name on the wire. */
  readonly message: string;
  readonly says: string;
  /** Who signed it; of a command, who sends it. */
  readonly signer: string;
  readonly note?: string;
  /** One per replica, in their order. */
  readonly votes: readonly Vote[];
  /** The same in words. */
  readonly votesSay: string;
}

/** f + 1 replicas hold this replica's vote; only some hold it; none does. */
export type Vote = 'certain' | 'claimed' | 'none';
