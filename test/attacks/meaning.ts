import type { VerifiedMessage } from '../../src/soap/index.js';

/**
 * All that a receiver learns from a message, as text. The order of header blocks is not signed and means nothing to SOAP, so it is
 * left out; so are the bytes as received.
 */
export function meaningOf(message: VerifiedMessage): string {
  const { soapVersion, identity, created, expires, addressing, headers, body } = message;
  return JSON.stringify({
    soapVersion,
    identity: { ...identity, roles: [...identity.roles].sort() },
    created,
    expires,
    addressing: Object.entries(addressing).sort(([a], [b]) => (a < b ? -1 : 1)),
    headers: headers.map((header) => JSON.stringify(header)).sort(),
    body,
  });
}
