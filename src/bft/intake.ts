import type { Agreement } from './agreement.js';
import type { KnownRequest } from './open-position.js';
import type { Wait } from './pending.js';
import type { StreamInfo, Submission } from './ports.js';
import type { BroadcastState } from './state.js';

/** Decides whether this replica votes for a signed request now, later, or never. */
export class Intake<Effects> {
  constructor(
    private readonly state: BroadcastState<Effects>,
    private readonly agreement: Agreement<Effects>,
    private readonly mayVote: () => boolean,
  ) {}

  consider(known: KnownRequest): Submission {
    const { request, digest } = known;
    const { streams, pending, options } = this.state;
    const info = options.service.stream(request.stream);
    if (info === undefined) return { outcome: 'refused', code: 'InvalidSequenceHeader', detail: 'there is no such stream' };
    if (info.writer === undefined) return this.#wait(known, info, { code: 'UnknownActivity', waitsFor: [info.domain] });
    if (info.writer !== request.writer) {
      return { outcome: 'refused', code: 'NotTheWriter', detail: `the stream is written by ${info.writer}` };
    }

    const settled = streams.digest(request);
    if (settled === digest) return { outcome: 'delivered' };
    if (settled !== undefined) return this.#conflict(known, options.history.delivered(request)?.proof);
    const open = streams.find(request);
    const voted = open?.own.get('echo');
    if (voted !== undefined && voted !== digest) return this.#conflict(known, open?.requests.get(voted)?.proof);
    const waiting = pending.at(request);
    if (waiting !== undefined && waiting.known.digest !== digest) return this.#conflict(known, waiting.known.proof);

    if (open !== undefined && (voted === digest || open.certificates.get('echo')?.digest === digest)) {
      if ((open.requests.get(digest)?.proof.length ?? 0) === 0) open.requests.set(digest, known);
      this.agreement.advance(request.stream);
      return this.state.isDelivered(request) ? { outcome: 'delivered' } : { outcome: 'open' };
    }
    return this.#tryToVote(known, info);
  }

  /** Looks again at what waits in a domain that changed. */
  reconsider(domain: string): void {
    for (const { known } of this.state.pending.inDomain(domain)) {
      const submission = this.consider(known);
      if (submission.outcome === 'refused') this.#withdraw(known, submission.code, submission.detail);
    }
  }

  /** This replica may vote from now on. */
  startVoting(): void {
    for (const domain of new Set([...this.state.pending.all()].map((waiting) => waiting.domain))) this.reconsider(domain);
  }

  tick(): void {
    const { now, pending } = this.state;
    for (const waiting of [...pending.all()]) {
      if (waiting.until <= now) this.#withdraw(waiting.known, waiting.wait.code, waiting.wait.waitsFor.join(', '));
      else if (waiting.passOn.due(now)) this.state.passOn(waiting.known);
    }
  }

  #tryToVote(known: KnownRequest, info: StreamInfo): Submission {
    const { request } = known;
    const { streams, pending, options } = this.state;
    if (request.number !== streams.delivered(request.stream) + 1) {
      return this.#wait(known, info, { code: 'PredecessorMissing', waitsFor: [`${request.stream}#${request.number - 1}`] });
    }
    if (!this.mayVote()) return this.#wait(known, info, { code: 'Starting', waitsFor: [] });
    if ((this.state.openByWriter.get(request.writer) ?? 0) >= options.limits.maxOpenPerWriter) {
      return {
        outcome: 'refused',
        code: 'TooManyRequests',
        detail: `${options.limits.maxOpenPerWriter} are voted for and not delivered`,
      };
    }
    const admission = options.service.admit(request);
    switch (admission.verdict) {
      case 'admit':
        pending.remove(request);
        this.agreement.vote(known);
        return { outcome: 'open' };
      case 'wait':
        return this.#wait(known, info, admission);
      case 'refuse':
        pending.remove(request);
        return { outcome: 'refused', code: admission.code, detail: admission.detail };
    }
  }

  #wait(known: KnownRequest, info: StreamInfo, { code, waitsFor }: Wait): Submission {
    const wait = { code, waitsFor };
    const waiting = this.state.pending.at(known.request);
    if (waiting !== undefined) waiting.wait = wait;
    else {
      const full = this.state.pending.add(known, info.domain, wait, this.state.now);
      if (full !== undefined) return { outcome: 'refused', ...full };
    }
    return { outcome: 'open', waiting: wait };
  }

  /** Another request was signed for this position before. With both signed messages at hand, that is evidence. */
  #conflict(known: KnownRequest, earlier: Uint8Array | undefined): Submission {
    const { stream, number, writer } = known.request;
    if (known.proof.length > 0 && earlier !== undefined && earlier.length > 0) {
      this.state.keep({ kind: 'writer', stream, number, writer, first: earlier, second: known.proof });
    }
    return { outcome: 'refused', code: 'NumberAlreadyUsed', detail: `${stream} number ${number}` };
  }

  #withdraw(known: KnownRequest, code: string, detail: string): void {
    const { stream, number } = known.request;
    this.state.pending.remove(known.request);
    this.state.turn.withdrawn({ stream, number, digest: known.digest, code, detail });
  }
}
