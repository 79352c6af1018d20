import type { Admission, Digest, ReplicatedService, Request, StreamInfo } from '../../src/bft/index.js';

/**
 * The smallest service with something to get wrong: streams named `writer/domain/plain|control`, and a domain that exists
 * only once `creator/domain/create` was delivered. Its state is the list of payloads of each stream.
 */
export class LedgerService implements ReplicatedService<string> {
  readonly streams = new Map<string, string[]>();
  readonly #domains = new Set<string>();

  stream(name: string): StreamInfo | undefined {
    const [writer, domain, kind] = name.split('/');
    if (writer === undefined || domain === undefined || !['plain', 'control', 'create'].includes(kind ?? '')) return undefined;
    const create = kind === 'create';
    return { domain, control: kind === 'control', writer, ready: create || this.#domains.has(domain) };
  }

  admit(request: Request): Admission {
    const info = this.stream(request.stream);
    if (info?.ready !== true) return { verdict: 'wait', code: 'UnknownDomain', waitsFor: [request.stream] };
    if (Buffer.from(request.payload).toString() === 'forbidden') return { verdict: 'refuse', code: 'Forbidden', detail: '' };
    return { verdict: 'admit' };
  }

  deliver(request: Request, _digest: Digest): { domains: string[]; effects: string } {
    const [, domain = '', kind] = request.stream.split('/');
    if (kind === 'create') this.#domains.add(domain);
    const payload = Buffer.from(request.payload).toString();
    this.streams.set(request.stream, [...(this.streams.get(request.stream) ?? []), payload]);
    return { domains: [domain], effects: payload };
  }

  protected addDomain(domain: string): void {
    this.#domains.add(domain);
  }

  /** All streams with all their payloads, in a canonical order: equal states give equal text. */
  state(): string {
    return JSON.stringify([...this.streams].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

export const request = (stream: string, number: number, payload: string, writer = stream.split('/')[0] ?? ''): Request => ({
  stream,
  number,
  writer,
  payload: Buffer.from(payload),
});

/** The simulated writer's signature: the request itself, readable. */
export const proofOf = (r: Request): Uint8Array =>
  Buffer.from(JSON.stringify([r.stream, r.number, r.writer, Buffer.from(r.payload).toString('base64')]));

export function readProof(proof: Uint8Array): Request | undefined {
  const [stream, number, writer, payload] = JSON.parse(Buffer.from(proof).toString()) as [string, number, string, string];
  return { stream, number, writer, payload: Buffer.from(payload, 'base64') };
}
