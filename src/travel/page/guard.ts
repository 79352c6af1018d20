import type { IncomingMessage } from 'node:http';
import { ConcordatError } from '../../errors.js';
import { checkHost } from '../desk.js';

/**
 * Lets through what this page itself makes a browser send, and nothing that a foreign page can: the Host must be one of ours,
 * which a page with a rebound name cannot send, and what tells where a request comes from must tell of this page. Writes must be
 * application/json besides, which needs a preflight that is never granted (the body's reader checks that).
 * @throws ConcordatError NotAuthorized
 */
export function checkSameOrigin({ headers }: IncomingMessage, names: readonly string[]): void {
  checkHost(headers.host, names);
  const site = headers['sec-fetch-site'];
  // "none": typed into the address line or opened from a bookmark.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw foreign();
  const { origin } = headers;
  if (origin !== undefined && hostOf(origin) !== headers.host?.toLowerCase()) throw foreign();
}

const hostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);

const foreign = (): ConcordatError => new ConcordatError('NotAuthorized', 'the request comes from another page');

/** What every answer carries: only our own files, no framing, no sniffing, nothing kept. */
export const SECURITY_HEADERS = {
  'content-security-policy': "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;
