import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { partyOf } from './messages.js';
import type { Party } from './messages.js';

/** The files through which processes share keys. */
const FILES = { key: 'key.pem', certificate: 'certificate.pem', ca: 'ca.pem' } as const;

export function writeParty(directory: string, { credentials, caPem }: Party): Readonly<Record<keyof typeof FILES, string>> {
  const paths = {
    key: join(directory, FILES.key),
    certificate: join(directory, FILES.certificate),
    ca: join(directory, FILES.ca),
  };
  writeFileSync(paths.key, credentials.privateKeyPem, { mode: 0o600 });
  writeFileSync(paths.certificate, credentials.certificatePem);
  writeFileSync(paths.ca, caPem);
  return paths;
}

export function readParty(directory: string): Party {
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  return partyOf('rsa', read(FILES.ca), { certificatePem: read(FILES.certificate), privateKeyPem: read(FILES.key) });
}
