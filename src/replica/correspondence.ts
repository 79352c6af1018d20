import { type Digest, type Position, positionKey } from '../bft/index.js';
import type { EndpointReference, SoapVersion, VerifiedMessage } from '../soap/index.js';

/** Where the sender of a message wants to hear of it later, and in which words. All of it was signed. */
export interface Correspondent {
  readonly soapVersion: SoapVersion;
  readonly replyTo?: EndpointReference;
  readonly faultTo?: EndpointReference;
  readonly from?: EndpointReference;
}

/** Messages remembered, and characters of those that name endpoints. */
const MAX_MESSAGES = 20_000;
const MAX_CHARACTERS = 16 * 1024 * 1024;

interface Entry {
  readonly correspondent: Correspondent;
  readonly weight: number;
}

export function correspondentOf({ soapVersion, addressing }: VerifiedMessage): Correspondent {
  const { replyTo, faultTo, from } = addressing;
  return { soapVersion, ...(replyTo && { replyTo }), ...(faultTo && { faultTo }), ...(from && { from }) };
}

/**
 * Where the senders of requests that this replica saw itself want to hear of them. Addresses are not in the digest, so that a
 * request may be sent again from elsewhere; hence they are no part of the state, other replicas may not know them, and after a
 * restart nobody does. The oldest are forgotten.
 */
export class Correspondence {
  readonly #entries = new Map<string, Entry>();
  #characters = 0;

  /** The last message with a request counts: its sender may have moved. */
  remember(position: Position, digest: Digest, message: VerifiedMessage): void {
    const correspondent = correspondentOf(message);
    const { replyTo, faultTo, from } = correspondent;
    const weight = replyTo === undefined && faultTo === undefined && from === undefined ? 0 : message.raw.length;
    const key = keyOf(position, digest);
    this.#forget(key);
    this.#entries.set(key, { correspondent, weight });
    this.#characters += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_MESSAGES && this.#characters <= MAX_CHARACTERS) return;
      this.#forget(oldest);
    }
  }

  find(position: Position, digest: Digest): Correspondent | undefined {
    return this.#entries.get(keyOf(position, digest))?.correspondent;
  }

  #forget(key: string): void {
    this.#characters -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }
}

const keyOf = (position: Position, digest: Digest): string => `${positionKey(position)} ${digest}`;
