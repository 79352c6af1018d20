import { ConcordatError } from '../../errors.js';
import type { ProviderRole } from '../catalog.js';
import { PROVIDERS } from '../catalog.js';
import { TRAVEL_LIMITS } from '../limits.js';
import { readReservations, readStock } from './decode.js';
import type { DeskReading } from './readings.js';

/** Reads a provider's own books at its desk, and changes its stock. */
export class DeskReader {
  constructor(
    readonly role: ProviderRole,
    private readonly url: string,
  ) {}

  /** Never rejects: whatever goes wrong is a desk that does not answer. */
  async read(): Promise<DeskReading> {
    try {
      const stock = readStock(await this.#ask('GET', 'inventory'), 'inventory');
      const reservations = readReservations(await this.#ask('GET', 'reservations'), 'reservations');
      return { role: this.role, heard: { kind: 'answer', stock, reservations } };
    } catch (error) {
      const why = error instanceof ConcordatError ? error.detail : undefined;
      return { role: this.role, heard: { kind: 'silent', why: why ?? 'unknown reason' } };
    }
  }

  /** Takes everything off its shelves, or puts as much there as in a new demo. @throws ConcordatError PeerUnreachable */
  async setFull(full: boolean): Promise<void> {
    for (const { item, stock } of PROVIDERS[this.role].items) await this.#ask('PUT', 'stock', { item, stock: full ? 0 : stock });
  }

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const url = `${this.url.replace(/\/+$/, '')}/${path}`;
    const signal = AbortSignal.timeout(TRAVEL_LIMITS.askMs);
    const headers = { 'content-type': 'application/json' };
    try {
      const response = await fetch(url, {
        method,
        signal,
        ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }),
      });
      if (response.ok) return await response.json();
      await response.body?.cancel();
      throw new ConcordatError('PeerUnreachable', `HTTP ${response.status}`);
    } catch (error) {
      if (error instanceof ConcordatError) throw error;
      throw new ConcordatError('PeerUnreachable', signal.aborted ? 'no answer in time' : 'nothing runs at its address', {
        cause: error,
      });
    }
  }
}
