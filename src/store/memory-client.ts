import type { ClientItem, ClientStore } from './client-store.js';

/**
 * The client store for tests of services: it forgets everything with the process, but not when a client that was given it closes,
 * so the next one carries on from it as after a crash.
 */
export class MemoryClientStore implements ClientStore {
  readonly #kinds = new Map<string, Map<string, string>>();
  /** What takes back the changes of the transactions that are running, in their order; undefined outside of any. */
  #undo: (() => void)[] | undefined;

  put(kind: string, key: string, value: string): void {
    this.#set(kind, key, value);
  }

  get(kind: string, key: string): string | undefined {
    return this.#kinds.get(kind)?.get(key);
  }

  list(kind: string): ClientItem[] {
    const items = [...(this.#kinds.get(kind) ?? [])].map(([key, value]) => ({ key, value }));
    return items.sort((a, b) => byCodePoint(a.key, b.key));
  }

  delete(kind: string, key: string): void {
    this.#set(kind, key, undefined);
  }

  transaction<T>(work: () => T): T {
    const outer = this.#undo;
    const undo = (this.#undo ??= []);
    const before = undo.length;
    try {
      return work();
    } catch (error) {
      for (const takeBack of undo.splice(before).reverse()) takeBack();
      throw error;
    } finally {
      this.#undo = outer;
    }
  }

  close(): void {
    // Nothing is held open; what it has stays for the next client.
  }

  #set(kind: string, key: string, value: string | undefined): void {
    const items = this.#kinds.get(kind) ?? new Map<string, string>();
    const before = items.get(key);
    this.#undo?.push(() => write(items, key, before));
    write(items, key, value);
    this.#kinds.set(kind, items);
  }
}

function write(items: Map<string, string>, key: string, value: string | undefined): void {
  if (value === undefined) items.delete(key);
  else items.set(key, value);
}

/** The order of UTF-8, as SQLite has it; that of JavaScript's own comparison differs beyond the basic plane. */
const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
