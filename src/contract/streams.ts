import { hash } from 'node:crypto';
import { ConcordatError } from '../errors.js';
import { memoized } from '../memoized.js';
import { participantId } from '../wsba/index.js';

/**
 * The streams of a cluster (docs/architecture.md): each is written by one identity. Names are made of what they mean, so
 * that a certificate, which names a stream, also says whose request it certifies and in which activity.
 */
export type StreamName =
  | {
      readonly kind: 'create';
      readonly writer: string;
      readonly messageId: string;
      /** For an activity inside another, which its creation registers it in: the outer one, and the invitation used (a token). */
      readonly outer?: { readonly activity: string; readonly invitation: string };
    }
  | { readonly kind: 'control'; readonly activity: string }
  | { readonly kind: 'participant'; readonly activity: string; readonly invitation: string; readonly writer: string };

/** Bytes of a stream name at the most; it bounds the length of identities and message ids. */
export const MAX_STREAM_NAME = 1024;

const ACTIVITY = /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** The same few streams come up again and again. */
const REMEMBERED = 2_048;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

export const isActivityId = (text: string): boolean => ACTIVITY.test(text);

/** Matchcodes may be long and hold anything, so a stream is named after their hash; '-' stands for the plain context. */
const invitationToken = memoized(REMEMBERED, (matchcode) => (matchcode === '' ? '-' : hash('sha256', matchcode, 'base64url')));

/** @param outer for an activity inside another: that one's id and the matchcode used, '' for the plain context */
export const createStream = (
  writer: string,
  messageId: string,
  outer?: { readonly activity: string; readonly matchcode: string },
): string => {
  const inside = outer === undefined ? '' : `/${outer.activity}/${invitationToken(outer.matchcode)}`;
  return bounded(`create/${encodeURIComponent(writer)}/${encodeURIComponent(messageId)}${inside}`);
};

export const controlStream = (activity: string): string => `control/${activity}`;

/** @param matchcode the invitation used, '' for the plain context */
export const participantStream = (activity: string, matchcode: string, writer: string): string =>
  bounded(`participant/${activity}/${invitationToken(matchcode)}/${encodeURIComponent(writer)}`);

/** Whether a stream is one whose first request registers in that activity with that matchcode. */
export function registersIn(name: string, activity: string, matchcode: string): boolean {
  const stream = parseStream(name);
  const place = stream?.kind === 'create' ? stream.outer : stream?.kind === 'participant' ? stream : undefined;
  return place?.activity === activity && place.invitation === invitationToken(matchcode);
}

/** A participant is named after its stream, so its id is known before it registers (docs/decisions/002-participant-ids.md). */
export const participantOfStream = memoized(REMEMBERED, (stream) => participantId(hash('sha256', stream, 'hex')));

/** @returns undefined when no stream can have that name */
export const parseStream: (name: string) => StreamName | undefined = memoized(REMEMBERED, parse);

function parse(name: string): StreamName | undefined {
  const [kind, first, second, third, fourth, ...rest] = name.split('/');
  if (rest.length > 0 || first === undefined || name.length > MAX_STREAM_NAME) return undefined;
  switch (kind) {
    case 'create': {
      const writer = unescape(first);
      const messageId = second === undefined ? undefined : unescape(second);
      if (writer === undefined || messageId === undefined) return undefined;
      if (third === undefined) return { kind, writer, messageId };
      if (!isActivityId(third) || !isInvitation(fourth)) return undefined;
      return { kind, writer, messageId, outer: { activity: third, invitation: fourth } };
    }
    case 'control':
      return isActivityId(first) && second === undefined ? { kind, activity: first } : undefined;
    case 'participant': {
      const writer = third === undefined ? undefined : unescape(third);
      if (!isActivityId(first) || writer === undefined) return undefined;
      if (!isInvitation(second) || fourth !== undefined) return undefined;
      return { kind, activity: first, invitation: second, writer };
    }
    default:
      return undefined;
  }
}

const isInvitation = (token: string | undefined): token is string => token !== undefined && (token === '-' || TOKEN.test(token));

function unescape(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text);
    return encodeURIComponent(value) === text && value !== '' ? value : undefined;
  } catch {
    return undefined;
  }
}

function bounded(name: string): string {
  if (name.length > MAX_STREAM_NAME) {
    throw new ConcordatError(
      'InvalidSequenceHeader',
      `the writer's name and the message id make a stream name of over ${MAX_STREAM_NAME} characters`,
    );
  }
  return name;
}
