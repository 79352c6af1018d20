import type { BroadcastLimits } from './limits.js';
import { type Evidence, positionKey } from './types.js';

/** Proofs of misbehaviour, one for each culprit and position, kept up to a bound and counted beyond it. */
export class EvidenceBook {
  readonly #kept = new Map<string, Evidence>();
  #beyond = 0;

  constructor(private readonly limits: BroadcastLimits) {}

  /** @returns true when the evidence is new and kept */
  add(evidence: Evidence): boolean {
    const key =
      evidence.kind === 'replica'
        ? `replica ${evidence.replica} ${evidence.first.round} ${positionKey(evidence.first)}`
        : `writer ${evidence.writer} ${positionKey(evidence)}`;
    if (this.#kept.has(key)) return false;
    if (this.#kept.size >= this.limits.evidenceMax) {
      this.#beyond += 1;
      return false;
    }
    this.#kept.set(key, evidence);
    return true;
  }

  all(): readonly Evidence[] {
    return [...this.#kept.values()];
  }

  /** How many were found after the bound was reached. */
  get beyond(): number {
    return this.#beyond;
  }
}
