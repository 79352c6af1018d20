import type { Agreement } from './agreement.js';
import { CodecError } from './codec.js';
import type { FoundItem } from './frames.js';
import type { OpenPosition } from './open-position.js';
import type { BroadcastState } from './state.js';
import type { Position, ReplicaId } from './types.js';
import { decodeCertificate } from './votes.js';

/** Getting requests from peers that have them, and giving them to peers that ask, each with the certificate that proves it. */
export class RequestsOnDemand<Effects> {
  constructor(
    private readonly state: BroadcastState<Effects>,
    private readonly agreement: Agreement<Effects>,
  ) {}

  /** Asks for a certified request that this replica does not have. */
  fetch(position: OpenPosition): void {
    const certificate = position.certificates.get('echo') ?? position.certificates.get('ready');
    if (certificate === undefined || position.requests.has(certificate.digest)) return;
    const holders = certificate.attestations
      .map(({ replica }) => replica)
      .filter((replica) => replica !== this.state.options.self);
    this.state.turn.send(holders, { type: 'fetch', positions: [{ stream: position.stream, number: position.number }] });
  }

  onFetch(from: ReplicaId, positions: readonly Position[]): void {
    const items: FoundItem[] = [];
    let bytes = 0;
    for (const position of positions) {
      const item = this.#find(position);
      if (item === undefined) continue;
      bytes += item.content.length;
      if (items.length > 0 && bytes > this.state.options.limits.fetchBytes) break;
      items.push(item);
    }
    if (items.length > 0) this.state.turn.send(from, { type: 'found', items });
  }

  #find(position: Position): FoundItem | undefined {
    const { options, streams } = this.state;
    const stored = options.history.delivered(position);
    if (stored !== undefined) {
      return { content: stored.content, certificate: decodeCertificate(stored.certificate, options.limits, options.n) };
    }
    const open = streams.find(position);
    const certificate = open?.certificates.get('ready') ?? open?.certificates.get('echo');
    const digest = certificate?.digest ?? open?.own.get('echo');
    const known = digest && open?.requests.get(digest);
    return known && { content: known.content, certificate };
  }

  onFound(item: FoundItem): void {
    const known = this.state.read(item.content);
    const { request, digest } = known;
    const { certificate } = item;
    if (this.state.isDelivered(request) || !this.state.streams.inWindow(request)) return;
    if (certificate !== undefined) {
      const fits =
        certificate.stream === request.stream && certificate.number === request.number && certificate.digest === digest;
      if (!fits) throw new CodecError('a certificate for something else');
      this.agreement.onCertificate(certificate);
    }
    const position = this.state.streams.find(request);
    const certified = position && [...position.certificates.values()].some((held) => held.digest === digest);
    if (position === undefined || certified !== true) return;
    if (!position.requests.has(digest)) position.requests.set(digest, known);
    this.agreement.advance(request.stream);
  }
}
