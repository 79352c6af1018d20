import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Enrollment } from '../client/index.js';
import { contextOf, createSigner, createVerifier, Participant } from '../client/index.js';
import type { HostPort, KeyPair, LoadedCluster } from '../config/index.js';
import { ConcordatError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Edge, EdgeAnswer, VerifiedMessage } from '../soap/index.js';
import { startEdge } from '../soap/index.js';
import type { ProviderConfig } from './catalog.js';
import type { Desk } from './desk.js';
import { asObject, openDesk } from './desk.js';
import { Inventory } from './inventory.js';
import { TRAVEL_LIMITS } from './limits.js';
import { checkText, decodeReserve, encodeReserved, RESERVE_ACTION, RESERVE_PATH, RESERVED_ACTION } from './messages.js';

export interface ProviderOptions {
  readonly config: ProviderConfig;
  readonly cluster: LoadedCluster;
  readonly credentials: KeyPair;
  /** Folder of its two databases: the inventory, and its part in activities. */
  readonly dataDir: string;
  /** Where customers' agencies reach it, and where replicas do; the second must survive a restart. */
  readonly business: HostPort;
  readonly participant: HostPort;
  /** The base URL under which replicas reach it, if it is not that of `participant`. */
  readonly publicUrl?: string;
  readonly desk: HostPort & { readonly names?: readonly string[] };
  readonly log: Logger;
}

/** Names of a provider's files in its data folder. */
export const PROVIDER_FILES = { inventory: 'inventory.db', participant: 'participant.db' } as const;

/** What the coordinator's commands do to an inventory. Each may come again, also after a crash. */
export const handlersOf = (inventory: Inventory) => ({
  // The stock decides here and not when the agency asks: whoever completes first has the last room.
  complete: async (enrollment: Pick<Enrollment, 'key' | 'cannotComplete'>): Promise<void> => {
    if (!inventory.hold(enrollment.key)) await enrollment.cannotComplete();
  },
  close: ({ key }: Pick<Enrollment, 'key'>): Promise<void> => atOnce(() => inventory.confirm(key)),
  cancel: ({ key }: Pick<Enrollment, 'key'>): Promise<void> => atOnce(() => inventory.release(key)),
  compensate: ({ key }: Pick<Enrollment, 'key'>): Promise<void> => atOnce(() => inventory.release(key)),
});

const atOnce = (work: () => void): Promise<void> => Promise.resolve().then(work);

/** Reservations are told apart by who asks and its booking's id, so that no agency can spoil another's. */
export const reservationKey = (writer: string, bookingId: string): string =>
  `${bookingId}@${createHash('sha256').update(writer, 'utf8').digest('hex').slice(0, 16)}`;

/**
 * The airline or the hotel: takes reservations at a signed business endpoint, takes part in the agency's activity, and does to
 * its own inventory what f + 1 replicas tell it.
 */
export class Provider {
  #business: Edge | undefined;
  #desk: Desk | undefined;

  private constructor(
    private readonly inventory: Inventory,
    private readonly participant: Participant,
  ) {}

  /** @throws ConcordatError StoreInUse, StoreCorrupt, ConfigInvalid, KeyMismatch, PortInUse */
  static async start(options: ProviderOptions): Promise<Provider> {
    const { config, cluster, credentials, dataDir, log } = options;
    const inventory = Inventory.open(join(dataDir, PROVIDER_FILES.inventory), config.items);
    const participant = await Participant.open({
      cluster,
      credentials,
      store: join(dataDir, PROVIDER_FILES.participant),
      listen: options.participant,
      ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
      handlers: handlersOf(inventory),
      log,
    }).catch((error: unknown) => {
      inventory.close();
      throw error;
    });
    const provider = new Provider(inventory, participant);
    try {
      await provider.#open(options);
      return provider;
    } catch (error) {
      await provider.stop();
      throw error;
    }
  }

  async #open({ business, desk, cluster, credentials, log }: ProviderOptions): Promise<void> {
    this.#business = await startEdge({
      ...business,
      verifier: createVerifier(cluster.authorityPems),
      signer: createSigner(credentials),
      paths: new Set([RESERVE_PATH]),
      handle: ({ message }) => this.#reserve(message),
      log,
      clock: Date.now,
    });
    this.#desk = await openDesk({ ...desk, routes: this.#routes(), log });
  }

  get url(): string {
    return `${this.#business?.url ?? ''}${RESERVE_PATH}`;
  }

  get participantUrl(): string {
    return this.participant.url;
  }

  get deskUrl(): string {
    return this.#desk?.url ?? '';
  }

  async stop(): Promise<void> {
    await Promise.all([this.#desk?.close(), this.#business?.close()]);
    await this.participant.close();
    this.inventory.close();
  }

  /**
   * Writes the reservation down and registers for the activity. Whether there is one left is not said here: the answer would
   * be worth nothing until the work completes. The same request again gives the same answer and changes nothing.
   */
  async #reserve(message: VerifiedMessage): Promise<EdgeAnswer> {
    const { identity, addressing, body, soapVersion } = message;
    if (!identity.roles.has('initiator')) throw new ConcordatError('NotAuthorized', `${identity.name} is not initiator`);
    if (addressing.action !== RESERVE_ACTION) throw new ConcordatError('ActionMismatch', addressing.action);
    if (addressing.messageId === undefined) throw new ConcordatError('AddressingHeaderRequired', 'wsa:MessageID');
    const { bookingId, item, customer } = decodeReserve(body);
    const key = reservationKey(identity.writer, bookingId);
    this.inventory.request({ key, item, customer, activity: contextOf(message).identifier });
    await this.participant.register(message, { key, protocol: 'CoordinatorCompletion' });
    return {
      kind: 'reply',
      message: {
        soapVersion,
        addressing: { action: RESERVED_ACTION, relatesTo: addressing.messageId },
        headers: [],
        body: encodeReserved(bookingId),
      },
    };
  }

  #routes() {
    return {
      'GET /inventory': (): unknown => this.inventory.items(),
      'GET /reservations': (): unknown => this.inventory.latest(TRAVEL_LIMITS.listed),
      'PUT /stock': ({ body }: { body: unknown }): unknown => {
        const { item, stock } = asObject(body);
        if (typeof stock !== 'number') throw new ConcordatError('InvalidParameters', 'stock must be a number');
        this.inventory.setStock(checkText('item', item), stock);
        return this.inventory.items();
      },
    };
  }
}
