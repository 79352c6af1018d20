import type { ServedEndpoint } from '../contract/index.js';
import { SERVED } from '../contract/index.js';
import { ConcordatError, isErrorCode } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { EndpointReference, XmlElement } from '../soap/index.js';
import { eprFromXml, eprToXml, NS, parseCanonical, serialize } from '../soap/index.js';
import type { ClientStore } from '../store/index.js';
import type { ClusterRequest } from './request.js';

/** What is written down of an answer: enough to give it again after a crash without asking. */
export type StoredAnswer =
  | { readonly kind: 'reply'; readonly body: string }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'fault'; readonly code: ErrorCode; readonly detail: string };

/** A numbered request before it has its number. */
export interface Draft {
  readonly endpoint: ServedEndpoint;
  readonly references: readonly XmlElement[];
  readonly body: XmlElement;
  /** `believe`: f + 1 matching answers; `quorum`: n − f. */
  readonly need: Need;
  /** Milliseconds since the epoch; of a create only. */
  readonly created?: number;
  /** A create's stream is named after it, so it is chosen before. */
  readonly messageId: string;
  readonly from?: EndpointReference;
}

export type Need = 'believe' | 'quorum';

/** A request as it was written down: its content never changes. */
export interface StoredRequest {
  readonly stream: string;
  readonly number: number;
  /** What it is for, in the words of its owner; unique in its stream. */
  readonly label: string;
  readonly request: ClusterRequest;
  readonly need: Need;
  readonly answer?: StoredAnswer;
}

interface Row {
  readonly label: string;
  readonly messageId: string;
  readonly endpoint: ServedEndpoint;
  readonly references: readonly string[];
  readonly body: string;
  readonly need: Need;
  readonly created?: number;
  readonly from?: string;
  readonly answer?: StoredAnswer;
}

const OPEN = 'open';
const kindOf = (stream: string): string => `request ${stream}`;
/** Keys sort as text; numbers are padded to the digits of the largest. */
const keyOf = (number: number): string => String(number).padStart(16, '0');

/**
 * Numbered requests, written down before they are first sent: after a crash exactly the same is sent again, for a second
 * content at one number would be equivocation (docs/architecture.md, streams).
 */
export class Journal {
  readonly #cache = new Map<string, StoredRequest[]>();

  constructor(
    private readonly store: ClientStore,
    private readonly limits: { readonly maxCachedStreams: number; readonly maxOpenStreams: number },
  ) {}

  /** All requests of a stream, by number. */
  requests(stream: string): readonly StoredRequest[] {
    const cached = this.#cache.get(stream);
    if (cached !== undefined) return cached;
    const read = this.store.list(kindOf(stream)).map(({ key, value }) => readRow(stream, Number(key), value));
    if (this.#cache.size >= this.limits.maxCachedStreams) this.#forgetOldest();
    this.#cache.set(stream, read);
    return read;
  }

  find(stream: string, label: string): StoredRequest | undefined {
    return this.requests(stream).find((request) => request.label === label);
  }

  /** The first request of the stream without an answer: the one that may be under way. */
  firstOpen(stream: string): StoredRequest | undefined {
    return this.requests(stream).find((request) => request.answer === undefined);
  }

  /** Streams with unanswered requests. */
  openStreams(): string[] {
    return this.store.list(OPEN).map(({ key }) => key);
  }

  /**
   * Gives a draft the next number of its stream and writes it down.
   * @throws ConcordatError TooManyRequests if too many streams wait for answers
   */
  append(stream: string, label: string, draft: Draft): StoredRequest {
    const number = this.requests(stream).length + 1;
    if (this.store.get(OPEN, stream) === undefined && this.openStreams().length >= this.limits.maxOpenStreams) {
      throw new ConcordatError('TooManyRequests', `${this.limits.maxOpenStreams} streams have requests without an answer`);
    }
    const { endpoint, references, body, messageId, created, from, need } = draft;
    const sequence = { number, ...(created === undefined ? {} : { created }) };
    const request = { endpoint, messageId, references, body, sequence, ...(from === undefined ? {} : { from }) };
    const stored: StoredRequest = { stream, number, label, request, need };
    this.#write(stored);
    return stored;
  }

  /** Writes the answer down, once; what is there already stays. */
  answered(request: StoredRequest, answer: StoredAnswer): StoredRequest {
    const known = this.find(request.stream, request.label) ?? request;
    if (known.answer !== undefined) return known;
    const stored = { ...known, answer };
    this.#write(stored);
    return stored;
  }

  /** One commit for requests and what else their owner writes with them. */
  transaction<T>(work: () => T): T {
    try {
      return this.store.transaction(work);
    } catch (error) {
      // Nothing of it is on disk, so nothing of it may stay in memory.
      this.#cache.clear();
      throw error;
    }
  }

  #write(stored: StoredRequest): void {
    const { stream, number } = stored;
    const before = this.requests(stream);
    const after = [...before.slice(0, number - 1), stored, ...before.slice(number)];
    this.transaction(() => {
      this.store.put(kindOf(stream), keyOf(number), writeRow(stored));
      if (after.some(({ answer }) => answer === undefined)) this.store.put(OPEN, stream, '');
      else this.store.delete(OPEN, stream);
    });
    this.#cache.set(stream, after);
  }

  #forgetOldest(): void {
    const oldest = this.#cache.keys().next();
    if (oldest.done !== true) this.#cache.delete(oldest.value);
  }
}

function writeRow({ label, request, need, answer }: StoredRequest): string {
  const { messageId, endpoint, references, body, sequence, from } = request;
  const created = sequence?.created;
  const row: Row = {
    label,
    messageId,
    endpoint,
    references: references.map(serialize),
    body: serialize(body),
    need,
    ...(created === undefined ? {} : { created }),
    ...(from === undefined ? {} : { from: serialize(eprToXml(NS.wsa, 'From', from)) }),
    ...(answer === undefined ? {} : { answer }),
  };
  return JSON.stringify(row);
}

function readRow(stream: string, number: number, text: string): StoredRequest {
  const row: unknown = JSON.parse(text);
  if (!isRow(row)) throw new ConcordatError('StoreCorrupt', `request ${number} of ${stream}`);
  const { label, messageId, endpoint, references, body, need, created, from, answer } = row;
  return {
    stream,
    number,
    label,
    need,
    request: {
      endpoint,
      messageId,
      references: references.map(parseCanonical),
      body: parseCanonical(body),
      sequence: { number, ...(created === undefined ? {} : { created }) },
      ...(from === undefined ? {} : { from: eprFromXml(parseCanonical(from)) }),
    },
    ...(answer === undefined ? {} : { answer }),
  };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';

function isRow(value: unknown): value is Row {
  return (
    isRecord(value) &&
    [value['label'], value['messageId'], value['body']].every(isText) &&
    SERVED.some((endpoint) => endpoint === value['endpoint']) &&
    Array.isArray(value['references']) &&
    value['references'].every(isText) &&
    (value['need'] === 'believe' || value['need'] === 'quorum') &&
    (value['created'] === undefined || Number.isSafeInteger(value['created'])) &&
    (value['from'] === undefined || isText(value['from'])) &&
    (value['answer'] === undefined || isAnswer(value['answer']))
  );
}

function isAnswer(value: unknown): value is StoredAnswer {
  if (!isRecord(value)) return false;
  if (value['kind'] === 'accepted') return true;
  if (value['kind'] === 'reply') return isText(value['body']);
  return value['kind'] === 'fault' && isText(value['code']) && isErrorCode(value['code']) && isText(value['detail']);
}
