import { parseStream } from '../../contract/index.js';
import type { ProviderRole } from '../catalog.js';
import { PROVIDER_ROLES, PROVIDERS } from '../catalog.js';

/** "replica 1", "replicas 1 and 2", "replicas 1, 2 and 3". */
export const replicasInWords = (ids: readonly number[]): string =>
  `${ids.length === 1 ? 'replica' : 'replicas'} ${inWords(ids.map(String))}`;

/** "a", "a and b", "a, b and c". */
export const inWords = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export const count = (amount: number, one: string, many = `${one}s`): string => `${amount} ${amount === 1 ? one : many}`;

/** Who is who, by certificate: identities as the replicas know them, and names that people know. */
export interface People {
  readonly agency: string;
  readonly airline: string;
  readonly hotel: string;
}

/** "the agency", or the start of an identity that plays no part here. */
export function nameOf(writer: string, people: People): string {
  const [role] = Object.entries(people).find(([, identity]) => identity === writer) ?? [];
  return role === undefined ? `somebody else (${writer.slice(0, 40)})` : `the ${role}`;
}

export const roleOf = (matchcode: string): ProviderRole | undefined =>
  PROVIDER_ROLES.find((role) => PROVIDERS[role].matchcode === matchcode);

/** "the airline"; for an invitation that is nobody's here, its name. */
export const providerName = (matchcode: string): string => {
  const role = roleOf(matchcode);
  return role === undefined ? `the participant "${matchcode}"` : `the ${role}`;
};

export const itemLabel = (role: ProviderRole, item: string): string =>
  PROVIDERS[role].items.find((known) => known.item === item)?.label ?? item;

/** "the airline’s stream in activity d36ae47e". */
export function streamInWords(name: string, people: People): string {
  const stream = parseStream(name);
  switch (stream?.kind) {
    case undefined:
      return 'a stream that cannot be';
    case 'create':
      return `a stream of ${nameOf(stream.writer, people)}`;
    case 'control':
      return `the creator’s stream in activity ${shortId(stream.activity)}`;
    case 'participant':
      return `${nameOf(stream.writer, people)}’s stream in activity ${shortId(stream.activity)}`;
  }
}

const shortId = (urn: string): string => urn.replace('urn:uuid:', '').slice(0, 8);
