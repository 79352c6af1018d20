import { type BroadcastLimits, CodecError, decodeCertificate, decodeRequest, digestOf } from '../bft/index.js';
import { ConcordatError } from '../errors.js';
import type { CertificateRecord, LoggedDelivery, RequestRecord, VoteRecord } from '../store/index.js';

/**
 * SQLite checks how its pages hang together, not what is in them. What a replica relies on after a start is there twice, so
 * bytes that were changed show: a request under a digest that it does not have, a vote for nothing that was written down with it.
 * @throws ConcordatError StoreCorrupt
 */
export class Audit {
  constructor(
    private readonly o: {
      readonly cluster: string;
      readonly n: number;
      readonly limits: BroadcastLimits;
    },
  ) {}

  /** A delivery of the log, and the digest that its content has. */
  delivery({ record, content }: LoggedDelivery, digest: string): void {
    this.#fits({ ...record, content }, digest, 'delivery');
  }

  /** Votes that are open: each was written down with what it was for. */
  votes(votes: readonly VoteRecord[], requests: readonly RequestRecord[], certificates: readonly CertificateRecord[]): void {
    const contents = new Map(requests.map(({ digest, content }) => [hex(digest), content]));
    const certified = new Set(certificates.map((record) => this.#certificate(record)));
    for (const vote of votes) {
      if (vote.kind === 'ready') {
        if (!certified.has(nameOf(vote))) damaged('vote', vote);
        continue;
      }
      const content = contents.get(hex(vote.digest));
      if (content === undefined) damaged('vote', vote);
      this.#fits({ ...vote, content }, digestOf(content), 'vote');
    }
  }

  #certificate(record: CertificateRecord): string {
    const { stream, number, digest } = decodeCertificate(record.certificate, this.o.limits, this.o.n);
    if (stream !== record.stream || number !== record.number || digest !== hex(record.digest)) damaged('certificate', record);
    return nameOf(record);
  }

  #fits(row: Position & { readonly digest: Uint8Array; readonly content: Uint8Array }, digest: string, what: string): void {
    const { stream, number } = decodeRequest(this.o.cluster, row.content, this.o.limits);
    if (digest !== hex(row.digest) || stream !== row.stream || number !== row.number) damaged(what, row);
  }
}

interface Position {
  readonly stream: string;
  readonly number: number;
}

const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');

const nameOf = ({ stream, number, digest }: Position & { readonly digest: Uint8Array }): string =>
  `${stream}#${number} ${hex(digest)}`;

function damaged(what: string, { stream, number }: Position): never {
  throw new ConcordatError('StoreCorrupt', `the ${what} at ${stream}#${number} is not what was written`);
}

/** Reads what was written earlier: what cannot be decoded is damaged. @throws ConcordatError StoreCorrupt */
export function reading<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof CodecError) throw new ConcordatError('StoreCorrupt', error.message, { cause: error });
    throw error;
  }
}
