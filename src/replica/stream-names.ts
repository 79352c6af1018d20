import { parseStream, type StreamName } from '../contract/index.js';

const REMEMBERED = 4_096;

/** Parsed names of streams: the broadcast asks about the same few again and again. */
export class StreamNames {
  readonly #parsed = new Map<string, StreamName>();

  /** @returns undefined when no stream can have that name */
  parse(name: string): StreamName | undefined {
    const known = this.#parsed.get(name);
    if (known !== undefined) return known;
    const parsed = parseStream(name);
    if (this.#parsed.size >= REMEMBERED) this.#parsed.clear();
    if (parsed !== undefined) this.#parsed.set(name, parsed);
    return parsed;
  }
}
