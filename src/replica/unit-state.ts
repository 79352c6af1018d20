import { CodecError, decode, type Reader, Writer } from '../bft/index.js';
import { type Activity, decodeActivity, encodeActivity, type RefusalCode, type Result } from '../wsba/index.js';
import type { Entry } from './entry.js';

const DOMAIN = 'concordat activities 1';
const MAX_TEXT = 3 * 1024 * 1024;
const MAX_ITEMS = 1_000_000;

const REFUSALS: Readonly<Record<RefusalCode, true>> = {
  InvalidState: true,
  InvalidParameters: true,
  InvalidProtocol: true,
  DuplicateMatchcode: true,
  CannotRegisterParticipant: true,
};
const isRefusalCode = (code: string): code is RefusalCode => Object.hasOwn(REFUSALS, code);

/** One of a family of activities, as a record keeps it. */
export type Member = Pick<Entry, 'activity' | 'create' | 'results' | 'invited'>;

/** Encoding costs more than anything else about a record, and is done once for it and once for its digest. */
const texts = new WeakMap<Activity, string>();

/** The encoding of an activity that `encodeMembers` was just given; made anew for any other. */
export const textOf = (activity: Activity): string => texts.get(activity) ?? encodeActivity(activity);

const sorted = <V>(map: ReadonlyMap<string, V>): [string, V][] => [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/**
 * The service's part of a record: activities inside one another, with the answers they gave. The same bytes at every replica that
 * delivered the same, so a refusal's wording, which may differ, is not in it.
 */
export function encodeMembers(members: readonly Member[]): Buffer {
  const byId = [...members].sort((a, b) => (a.activity.id < b.activity.id ? -1 : 1));
  return new Writer().string(DOMAIN).list(byId, writeMember).finish();
}

function writeMember(writer: Writer, { activity, create, results, invited }: Member): void {
  const text = textOf(activity);
  texts.set(activity, text);
  writer
    .string(create)
    .string(text)
    .list(sorted(results), (w, [key, result]) => w.string(key).string(result.ok ? '' : result.code))
    .list(sorted(invited), (w, [matchcode, identity]) => w.string(matchcode).optional(identity, (o, text) => o.string(text)));
}

/** @throws CodecError, or TypeError on an activity that cannot be read */
export function decodeMembers(state: Uint8Array): Member[] {
  return decode(state, (reader) => {
    if (reader.string(64) !== DOMAIN) throw new CodecError('not a list of activities');
    return reader.list(MAX_ITEMS, readMember);
  });
}

const readMember = (reader: Reader): Member => ({
  create: reader.string(MAX_TEXT),
  activity: decodeActivity(reader.string(MAX_TEXT)),
  results: new Map(reader.list(MAX_ITEMS, (r) => [r.string(MAX_TEXT), readResult(r)])),
  invited: new Map(reader.list(MAX_ITEMS, (r) => [r.string(MAX_TEXT), r.optional((o) => o.string(MAX_TEXT))])),
});

function readResult(reader: Reader): Result {
  const code = reader.string(MAX_TEXT);
  if (code === '') return { ok: true };
  if (!isRefusalCode(code)) throw new CodecError(`unknown refusal ${code}`);
  return { ok: false, code, detail: '' };
}
