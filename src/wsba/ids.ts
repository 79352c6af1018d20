import { hash } from 'node:crypto';

/** SHA-256 of the parts, framed as JSON so that no two lists of parts read alike. */
function hashOf(domain: string, parts: readonly string[]): Buffer {
  return hash('sha256', JSON.stringify([`concordat:${domain}`, ...parts]), 'buffer');
}

/** A version-8 UUID (RFC 9562 section 5.8) from the first 122 free bits of a digest. */
function uuidUrn(digest: Buffer): string {
  const bytes = Buffer.from(digest.subarray(0, 16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `urn:uuid:${[hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')}`;
}

/** Names an activity after the digest (hex) of the request that created it. A name, not a secret. */
export function activityId(createDigestHex: string): string {
  return uuidUrn(hashOf('activity', [createDigestHex.toLowerCase()]));
}

/** Names a participant after the digest (hex) of its Register. */
export function participantId(registerDigestHex: string): string {
  return uuidUrn(hashOf('participant', [registerDigestHex.toLowerCase()]));
}

/** The wsa:MessageID of a command: all replicas give the same, and so does every repetition. */
export function commandId(activity: string, participant: string, command: string): string {
  return uuidUrn(hashOf('command', [activity, participant, command]));
}
