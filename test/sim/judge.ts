import type { EvidenceRecord, StoreRecord } from '../../src/store/index.js';
import type { VerifiedMessage } from '../../src/soap/index.js';
import { readReferences } from '../../src/soap/messages/index.js';
import type { ReplicaNode } from './replica-node.js';
import type { Trace } from './trace.js';

/** What must hold (design of the product, section 3), and what follows from it. */
export const PROPERTIES = [
  'agreement',
  'source order',
  'one vote a position',
  'convergence',
  'outcome',
  'obedience',
  'durability',
  'totality',
  'termination',
  'no false accusation',
  'bounded queues',
  'no failure',
] as const;
export type Property = (typeof PROPERTIES)[number];

export interface Violation {
  readonly property: Property;
  readonly explanation: string;
  readonly atMs: number;
}

/** What an honest client was told: the request with this message id is done. */
export interface Acknowledgement {
  readonly client: string;
  readonly stream: string;
  readonly number: number;
  readonly messageId: string;
}

interface Delivered {
  readonly digest: string;
  readonly by: string;
  readonly content: Buffer | undefined;
}

const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');
const at = ({ stream, number }: { readonly stream: string; readonly number: number }): string => `${stream}#${number}`;

/** Cancel and Compensate undo, Close makes final: nobody is told both. */
const DIRECTION: Readonly<Record<string, 'close' | 'undo'>> = { Close: 'close', Cancel: 'undo', Compensate: 'undo' };
/** The commands that handlers do. */
const COMMAND_OF: Readonly<Record<string, string>> = {
  complete: 'Complete',
  close: 'Close',
  cancel: 'Cancel',
  compensate: 'Compensate',
};

/** Holds what happens against the properties, step by step: each check looks something up, none looks through everything. */
export class Judge {
  readonly violations: Violation[] = [];
  /** Of all replicas. */
  deliveries = 0;
  readonly #delivered = new Map<string, Delivered>();
  readonly #votes = new Map<string, string>();
  /** By replica and stream: the last number delivered. */
  readonly #last = new Map<string, number>();
  readonly #digests = new Map<string, { readonly digest: string; readonly by: string }>();
  /** By participant: what honest replicas told it. */
  readonly #told = new Map<string, Set<string>>();
  readonly #directions = new Map<string, 'close' | 'undo'>();
  readonly acknowledged = new Map<string, Acknowledgement>();
  /** Writers that sign two requests for one position. */
  readonly equivocators = new Set<string>();

  constructor(
    private readonly now: () => number,
    private readonly trace: Trace,
  ) {}

  get failed(): boolean {
    return this.violations.length > 0;
  }

  violated(property: Property, explanation: string): void {
    this.trace.note('judge', `VIOLATION of ${property}`, () => explanation);
    this.violations.push({ property, explanation, atMs: this.now() });
  }

  // --- replicas ---------------------------------------------------------------------------------------------------

  replicaFailed(node: ReplicaNode, error: unknown): void {
    if (!node.honest) return;
    this.violated(
      'no failure',
      `${node.label} stopped: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }

  /** A replica has written a batch down. */
  wrote(node: ReplicaNode, batch: readonly StoreRecord[]): void {
    for (const { type } of batch) if (type === 'delivery') this.deliveries += 1;
    if (!node.honest) return;
    const contents = new Map<string, Uint8Array>();
    for (const record of batch) {
      switch (record.type) {
        case 'request':
          contents.set(hex(record.digest), record.content);
          break;
        case 'vote':
          this.#voted(node, `${record.kind} ${at(record)}`, hex(record.digest));
          break;
        case 'delivery':
          this.#deliver(node, record, hex(record.digest), contents.get(hex(record.digest)));
          break;
        case 'retired':
          for (const { stream, through } of record.streams) this.#caughtUp(node, stream, through);
          break;
        case 'evidence':
          this.#accused(node, record);
          break;
        default:
      }
    }
  }

  /** One vote a position and round, ever: over every crash and every loss of a disk. */
  #voted(node: ReplicaNode, position: string, digest: string): void {
    const key = `${node.id} ${position}`;
    const before = this.#votes.get(key);
    if (before === undefined) this.#votes.set(key, digest);
    else if (before !== digest) this.violated('one vote a position', `${node.label} voted for two requests: ${position}`);
  }

  #deliver(
    node: ReplicaNode,
    position: { readonly stream: string; readonly number: number },
    digest: string,
    content: Uint8Array | undefined,
  ): void {
    const { stream, number } = position;
    const key = at(position);
    this.trace.note(node.label, 'delivers', () => `${key} ${digest.slice(0, 8)}`);
    const before = this.#delivered.get(key);
    if (before === undefined) this.#delivered.set(key, { digest, by: node.label, content: content && Buffer.from(content) });
    else if (before.digest !== digest)
      this.violated('agreement', `${before.by} and ${node.label} delivered different requests at ${key}`);
    const name = `${node.platter.lineage} ${stream}`;
    const last = this.#last.get(name) ?? 0;
    if (number !== last + 1) this.violated('source order', `${node.label} delivered ${key} after ${last}`);
    this.#last.set(name, number);
  }

  /** It took over a record: what it delivered of these streams itself is a part of that. */
  #caughtUp(node: ReplicaNode, stream: string, through: number): void {
    const name = `${node.platter.lineage} ${stream}`;
    this.#last.set(name, Math.max(through, this.#last.get(name) ?? 0));
  }

  #accused(node: ReplicaNode, { kind, subject, about }: EvidenceRecord): void {
    if (kind === 'replica') {
      if (!this.isLiar(Number(subject)))
        this.violated('no false accusation', `${node.label} holds evidence against replica ${subject} about ${about}`);
    } else if (!this.equivocators.has(subject)) {
      this.violated('no false accusation', `${node.label} holds evidence against the writer ${subject} about ${about}`);
    }
  }

  /** Set by whoever makes the world: whether a replica lies. */
  isLiar: (replica: number) => boolean = () => false;

  /** A disk went back in time, or is a new one: what it delivers again is held against what it delivered before. */
  rewound(node: ReplicaNode, last: ReadonlyMap<string, number>): void {
    for (const [stream, number] of last) this.#last.set(`${node.platter.lineage} ${stream}`, number);
  }

  /** What a replica says of an activity: equal positions, equal states. */
  compared(node: ReplicaNode, id: string, positions: string, digest: string): void {
    const key = `${id} ${positions}`;
    const before = this.#digests.get(key);
    if (before === undefined) this.#digests.set(key, { digest, by: node.label });
    else if (before.digest !== digest)
      this.violated('convergence', `${before.by} and ${node.label} delivered the same in ${id} and hold different states`);
  }

  // --- commands ---------------------------------------------------------------------------------------------------

  /** A message of an honest replica on its way to a participant. */
  told(replica: string, message: VerifiedMessage): void {
    const { name } = message.body;
    if (!(name in DIRECTION) && name !== 'Complete') return;
    const { participant } = readReferences(message.addressing.from?.referenceParameters ?? []);
    if (participant === undefined) return;
    const told = this.#told.get(participant) ?? new Set();
    this.#told.set(participant, told.add(name));
    const direction = DIRECTION[name];
    if (direction === undefined) return;
    const before = this.#directions.get(participant);
    if (before === undefined) this.#directions.set(participant, direction);
    else if (before !== direction)
      this.violated('outcome', `${participant} was told ${[...told].join(' and ')}, the last by ${replica}`);
  }

  /** A handler of an honest participant is called. */
  obeyed(provider: string, participant: string, handler: string): void {
    const command = COMMAND_OF[handler] ?? handler;
    this.trace.note(provider, `does ${handler}`, () => participant);
    if (this.#told.get(participant)?.has(command) !== true)
      this.violated('obedience', `${provider} did ${command} for ${participant}, which no honest replica had told it`);
  }

  directionOf(participant: string): 'close' | 'undo' | undefined {
    return this.#directions.get(participant);
  }

  // --- clients ----------------------------------------------------------------------------------------------------

  /** An honest client holds the answer to a request. */
  acknowledge(ack: Acknowledgement): void {
    const key = at(ack);
    if (this.acknowledged.has(`${key} ${ack.client}`)) return;
    this.acknowledged.set(`${key} ${ack.client}`, ack);
    this.trace.note(ack.client, 'is answered', () => key);
    const delivered = this.#delivered.get(key);
    const fits = delivered !== undefined && (delivered.content?.includes(ack.messageId) ?? true);
    if (!fits) this.violated('durability', `${ack.client} was answered about ${key}, which no honest replica had delivered`);
  }

  /** All that was delivered anywhere, by position. */
  get positions(): ReadonlyMap<string, { readonly digest: string; readonly by: string }> {
    return this.#delivered;
  }
}
