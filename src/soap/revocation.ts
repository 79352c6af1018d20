import type { KeyObject } from 'node:crypto';
import { MalformedDer } from '../x509/der.js';
import { ConcordatError } from '../errors.js';
import { parseRevocationList } from '../x509/crl.js';
import type { RevocationList } from '../x509/crl.js';

/** A configured revocation list as it is now. */
export interface ListFile {
  readonly name: string;
  /** Another value each time the contents may have changed. */
  readonly version: string;
  /** Undefined if it cannot be read. */
  readonly bytes: Buffer | undefined;
}

export interface RevocationOptions {
  /** Asked at most once in RECHECK_MS. */
  readonly files: () => readonly ListFile[];
  /** What to do when a list is out of date or cannot be used: refuse whom it would tell about, or believe them. */
  readonly whenUnknown: 'refuse' | 'accept';
  /** Told of a list that is out of date or cannot be used, at most once in COMPLAIN_EVERY_MS for each. */
  readonly complain?: (list: string, reason: string) => void;
}

/** How often the files are looked at, and how often one of them is complained of, in milliseconds. */
export const RECHECK_MS = 1_000;
export const COMPLAIN_EVERY_MS = 60_000;
/** Lists dated in the future by more than this are not believed yet, in milliseconds. */
const CLOCK_DIFFERENCE_MS = 5 * 60_000;

/** An authority, as far as its revocation lists are concerned. */
export interface ListIssuer {
  /** DER of its name. */
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  /** Whether its certificate lets it sign revocation lists (RFC 5280 §4.2.1.3, cRLSign). */
  readonly signsLists: boolean;
}

/** What one file says. */
type Entry = { readonly name: string; readonly version: string } & (
  | { readonly usable: true; readonly list: RevocationList; readonly issuer: ListIssuer }
  | { readonly usable: false; readonly reason: string }
);

/** Whether certificates were revoked, by lists that are read again when they change. */
export class Revocation {
  private entries: readonly Entry[] = [];
  private lookedAt = -Infinity;
  private readonly complainedAt = new Map<string, number>();

  constructor(
    private readonly options: RevocationOptions,
    private readonly issuers: readonly ListIssuer[],
  ) {}

  /**
   * @param serial as `namesOf` tells it
   * @param now milliseconds since the epoch
   * @param who for messages
   * @throws CertificateRevoked; RevocationUnknown if a list that might tell is out of date or unusable, unless that is accepted.
   *   An authority of which no list is configured revokes nothing.
   */
  check(issuer: ListIssuer, serial: string, now: number, who: string): void {
    this.refresh(now);
    const own = this.entries.filter((entry) => entry.usable && isSame(entry.issuer, issuer));
    if (own.some((entry) => entry.usable && entry.list.revoked.has(serial))) throw new ConcordatError('CertificateRevoked', who);
    if (own.some((entry) => entry.usable && isCurrent(entry.list, now))) return;
    const doubtful = own.length > 0 ? own : this.entries.filter((entry) => !entry.usable);
    for (const entry of doubtful) this.complain(entry, now);
    if (doubtful.length === 0 || this.options.whenUnknown === 'accept') return;
    throw new ConcordatError('RevocationUnknown', `${who}: ${doubtful.map(({ name }) => name).join(', ')}`);
  }

  private refresh(now: number): void {
    if (Math.abs(now - this.lookedAt) < RECHECK_MS) return;
    this.lookedAt = now;
    const before = new Map(this.entries.map((entry) => [entry.name, entry]));
    this.entries = this.options.files().map((file) => {
      const known = before.get(file.name);
      return known?.version === file.version ? known : this.read(file);
    });
  }

  private read({ name, version, bytes }: ListFile): Entry {
    const unusable = (reason: string): Entry => ({ name, version, usable: false, reason });
    if (bytes === undefined) return unusable('it cannot be read');
    try {
      const list = parseRevocationList(bytes);
      const issuer = this.issuers.find(
        (one) => one.signsLists && list.issuer.equals(one.subject) && list.signedBy(one.publicKey),
      );
      if (issuer === undefined) return unusable('no configured authority signed it');
      return { name, version, usable: true, list, issuer };
    } catch (error) {
      if (error instanceof MalformedDer) return unusable(`it is not a revocation list of the kind expected (${error.message})`);
      throw error;
    }
  }

  private complain(entry: Entry, now: number): void {
    if (Math.abs(now - (this.complainedAt.get(entry.name) ?? -Infinity)) < COMPLAIN_EVERY_MS) return;
    this.complainedAt.set(entry.name, now);
    const reason = entry.usable ? `it was to be replaced by ${new Date(entry.list.nextUpdate).toISOString()}` : entry.reason;
    this.options.complain?.(entry.name, reason);
  }
}

/** A renewed authority of the same name and key is the same issuer. */
const isSame = (a: ListIssuer, b: ListIssuer): boolean => a.subject.equals(b.subject) && a.publicKey.equals(b.publicKey);

const isCurrent = (list: RevocationList, now: number): boolean =>
  list.thisUpdate - CLOCK_DIFFERENCE_MS <= now && now <= list.nextUpdate;
