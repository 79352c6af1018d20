import type { VerifiedMessage, XmlElement } from '../soap/index.js';
import { comparableBody } from '../soap/messages/index.js';

/** What became of asking one replica. */
export type ReplicaAnswer =
  | { readonly kind: 'reply'; readonly message: VerifiedMessage }
  | { readonly kind: 'accepted' }
  /** A fault that sending the same again does not change. */
  | { readonly kind: 'fault'; readonly code: string; readonly detail: string }
  /** Nothing that counts; it may be asked again. */
  | Again;

interface Again {
  readonly kind: 'again';
  readonly why: string;
  /** The code of the fault, if it was one. */
  readonly code?: string;
  /** Participants that the request waits for, as the fault says. */
  readonly waitsFor: readonly string[];
}

/** How a request stands that has no answer yet. */
export interface Standing {
  /** One phrase a replica. */
  readonly summary: string;
  /** NotEnabled if f + 1 replicas say so: then it is participants that it waits for, not replicas. */
  readonly code: 'NotEnabled' | 'NoQuorum';
  /** The ids of those participants that f + 1 replicas name. */
  readonly waitsFor: readonly string[];
}

export type Agreed =
  | {
      readonly kind: 'reply';
      /** The Body of the first reply of those that match; lists of states in it are one replica's word. */
      readonly body: XmlElement;
      /** All replies that matched, by replica. */
      readonly replies: ReadonlyMap<number, VerifiedMessage>;
    }
  | { readonly kind: 'accepted' };

export type Verdict =
  | { readonly kind: 'open' }
  | { readonly kind: 'agreed'; readonly agreed: Agreed }
  | { readonly kind: 'fault'; readonly code: string; readonly detail: string }
  /** The final answers differ so much that nothing can be agreed any more. */
  | { readonly kind: 'impossible' };

export interface TallyRules {
  readonly n: number;
  readonly f: number;
  /** Matching replies, or acceptances, that decide. */
  readonly need: number;
}

type Final = Exclude<ReplicaAnswer, Again>;

interface Counted {
  readonly answer: Final;
  /** Equal for answers that match. */
  readonly key: string;
}

/** Counts the answers of replicas to one request: pure, one vote a replica, the first final answer of each stands. */
export class Tally {
  readonly #finals = new Map<number, Counted>();
  readonly #waiting = new Map<number, Again>();

  constructor(private readonly rules: TallyRules) {}

  has(replica: number): boolean {
    return this.#finals.has(replica);
  }

  record(replica: number, answer: ReplicaAnswer): void {
    if (this.#finals.has(replica)) return;
    if (answer.kind === 'again') {
      this.#waiting.set(replica, answer);
    } else {
      this.#waiting.delete(replica);
      this.#finals.set(replica, { answer, key: keyOf(answer) });
    }
  }

  verdict(): Verdict {
    const groups = [...this.#groups().values()];
    for (const group of groups) {
      const [first] = group;
      if (first === undefined || group.length < this.#needOf(first[1])) continue;
      return this.#decided(first[1], group);
    }
    const outstanding = this.rules.n - this.#finals.size;
    const reachable =
      outstanding >= Math.min(this.rules.need, this.rules.f + 1) ||
      groups.some((group) => group[0] !== undefined && group.length + outstanding >= this.#needOf(group[0][1]));
    return { kind: reachable ? 'open' : 'impossible' };
  }

  standing(): Standing {
    const { f } = this.rules;
    const notEnabled = [...this.#waiting.values()].filter(({ code }) => code === 'NotEnabled');
    const named = notEnabled.flatMap(({ waitsFor }) => [...new Set(waitsFor)]);
    const believed = [...new Set(named)].filter((id) => named.filter((other) => other === id).length > f);
    return {
      summary: this.#summary(),
      code: notEnabled.length > f ? 'NotEnabled' : 'NoQuorum',
      waitsFor: notEnabled.length > f ? believed.sort() : [],
    };
  }

  /** One phrase a replica, and whom the request waits for as any of them says. */
  #summary(): string {
    const groups = this.#groups();
    const largest = Math.max(0, ...[...groups.values()].map((group) => group.length));
    const phrases = Array.from({ length: this.rules.n }, (_, index) => {
      const final = this.#finals.get(index + 1);
      const words = final === undefined ? (this.#waiting.get(index + 1)?.why ?? 'no answer') : describe(final.answer);
      const differs = final !== undefined && (groups.get(final.key)?.length ?? 0) < largest ? ' (differs)' : '';
      return `replica ${index + 1}: ${words}${differs}`;
    });
    const waitsFor = new Set([...this.#waiting.values()].flatMap((answer) => answer.waitsFor));
    return [...phrases, ...(waitsFor.size === 0 ? [] : [`waits for: ${[...waitsFor].join(', ')}`])].join('; ');
  }

  #needOf(answer: Final): number {
    return answer.kind === 'fault' ? this.rules.f + 1 : this.rules.need;
  }

  #groups(): Map<string, [number, Final][]> {
    const groups = new Map<string, [number, Final][]>();
    for (const [replica, { answer, key }] of this.#finals) {
      const group = groups.get(key) ?? [];
      group.push([replica, answer]);
      groups.set(key, group);
    }
    return groups;
  }

  #decided(first: Final, group: readonly [number, Final][]): Verdict {
    switch (first.kind) {
      case 'fault':
        return { kind: 'fault', code: first.code, detail: first.detail };
      case 'accepted':
        return { kind: 'agreed', agreed: first };
      case 'reply': {
        const replies = group.flatMap(([replica, answer]) =>
          answer.kind === 'reply' ? [[replica, answer.message] as const] : [],
        );
        return { kind: 'agreed', agreed: { kind: 'reply', body: first.message.body, replies: new Map(replies) } };
      }
    }
  }
}

function keyOf(answer: Final): string {
  switch (answer.kind) {
    case 'reply':
      return `reply ${comparableBody(answer.message.body)}`;
    case 'accepted':
      return 'accepted';
    case 'fault':
      return `fault ${answer.code}`;
  }
}

function describe(answer: Final): string {
  switch (answer.kind) {
    case 'reply':
      return 'replied';
    case 'accepted':
      return 'accepted';
    case 'fault':
      return answer.code;
  }
}
