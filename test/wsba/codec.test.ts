import { describe, expect, test } from '@jest/globals';
import {
  activityDigest,
  activityId,
  commandId,
  decodeActivity,
  encodeActivity,
  machine,
  participantId,
} from '../../src/wsba/index.js';
import type { Activity, Input } from '../../src/wsba/index.js';
import { control, newActivity, notify, register, run, runFrom } from './support.js';

/** Every kind of input and every optional field, some of them held. */
const HISTORY: readonly Input[] = [
  control(1, { kind: 'invite', matchcode: '__proto__', identity: 'CN=Ritz' }),
  control(2, { kind: 'invite', matchcode: 'open' }),
  register('P', 'ParticipantCompletion', { invitation: 'open', service: '<epr a="1">Zürich</epr>' }),
  register('Q', 'CoordinatorCompletion'),
  register('R', 'ParticipantCompletion'),
  notify('P', 2, 'Completed'),
  notify('P', 3, 'Fail', 'ns:Late'),
  notify('R', 2, 'Fail', 'ns:Full'),
  control(3, { kind: 'cancel', participants: ['Q'] }),
  control(4, { kind: 'complete', participants: ['S'] }),
  control(5, { kind: 'compensate', participants: ['P'] }),
  control(6, { kind: 'cancel' }),
  control(7, { kind: 'close', participants: ['P'] }),
  control(8, { kind: 'end' }),
];
const mixed = run('MixedOutcome', HISTORY).activity;
const settlements: readonly Activity[] = (['close', 'cancel', 'end'] as const).map((kind) =>
  kind === 'close'
    ? run('AtomicOutcome', [control(1, { kind, participants: [] }), register('P', 'ParticipantCompletion')]).activity
    : run('AtomicOutcome', [control(1, { kind })]).activity,
);

describe('the encoding', () => {
  test('reads back as the same state, and goes on alike', () => {
    for (const activity of [newActivity('AtomicOutcome'), mixed, ...settlements]) {
      const copy = decodeActivity(encodeActivity(activity));
      expect(copy).toEqual(activity);
      expect(encodeActivity(copy)).toBe(encodeActivity(activity));
    }
    const next = register('S', 'CoordinatorCompletion');
    const copied = machine.deliver(decodeActivity(encodeActivity(mixed)), next);
    expect(copied).toEqual(machine.deliver(mixed, next));
    expect(copied.activity.held.size).toBe(0);
  });

  test('does not depend on the order in which streams were delivered', () => {
    const streams = [...new Set(HISTORY.map((input) => input.stream))].sort();
    const streamByStream = streams.flatMap((stream) => HISTORY.filter((input) => input.stream === stream));
    const again = run(
      'MixedOutcome',
      streamByStream.reverse().sort((a, b) => a.number - b.number),
    ).activity;
    expect([...again.streams.keys()]).not.toEqual([...mixed.streams.keys()]);
    expect(encodeActivity(again)).toBe(encodeActivity(mixed));
    expect(activityDigest(again)).toBe(activityDigest(mixed));
  });

  test('differs wherever the state differs', () => {
    const more = runFrom(mixed, [register('T', 'ParticipantCompletion')]).activity;
    const other = runFrom(mixed, [register('T', 'ParticipantCompletion', { service: '<other/>' })]).activity;
    const digests = [mixed, more, other, newActivity('MixedOutcome'), newActivity('AtomicOutcome'), ...settlements];
    expect(new Set(digests.map(activityDigest)).size).toBe(digests.length);
    expect(activityDigest(mixed)).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ['text that is no JSON', 'x', /not JSON/],
    ['another format', encodeActivity(mixed).replace('"format":1', '"format":2'), /format/],
    ['an unknown state', encodeActivity(mixed).replace('"state":"Ended"', '"state":"Lost"'), /participants\[\d\]\.state: 'Lost'/],
    ['an unknown message', encodeActivity(mixed).replace('"message":"Fail"', '"message":"Sorry"'), /message: 'Sorry'/],
    ['an unknown request', encodeActivity(mixed).replace('"kind":"complete"', '"kind":"explode"'), /kind: 'explode'/],
    ['a missing member', encodeActivity(mixed).replace('"creator":"CN=Agency",', ''), /creator: a string/],
    ['a list in the place of the whole', '[]', /activity: an object/],
  ])('refuses %s and says where', (_name, text, message) => {
    expect(() => decodeActivity(text)).toThrow(message);
  });
});

describe('identifiers', () => {
  const digest = 'ab'.repeat(32);

  test('are version-8 URNs that depend on the domain and every part', () => {
    const ids = [
      activityId(digest),
      participantId(digest),
      participantId('cd'.repeat(32)),
      commandId('a', 'p', 'Close'),
      commandId('a', 'p', 'Cancel'),
      commandId('ap', '', 'Close'),
      commandId('', 'ap', 'Close'),
    ];
    for (const id of ids) expect(id).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('are the same every time, and do not depend on the case of the hex digest', () => {
    expect(activityId(digest.toUpperCase())).toBe(activityId(digest));
    expect(commandId('a', 'p', 'Close')).toBe(commandId('a', 'p', 'Close'));
  });
});
