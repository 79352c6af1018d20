import { describe, expect, test } from '@jest/globals';
import { Backoff } from '../../src/backoff.js';
import { Complaints } from '../../src/peers/complaints.js';
import { FRAME_HEADER_BYTES, FrameReader, encodeFrame } from '../../src/peers/frames.js';
import { FRAME_OVERHEAD_BYTES, FrameQueue } from '../../src/peers/queue.js';
import { Lines } from './fixture.js';

const texts = (reader: FrameReader, chunk: Buffer): string[] => [...reader.push(chunk)].map(({ payload }) => payload.toString());

describe('FrameReader', () => {
  const sent = ['', 'a', 'b'.repeat(1000), 'ä€', 'c'.repeat(99)];
  const wire = Buffer.concat(sent.map((text) => encodeFrame('data', Buffer.from(text))));

  test.each([1, 2, 3, 4, 5, 6, 7, 64, 1009, wire.length])('finds all frames in pieces of %i bytes', (size) => {
    const reader = new FrameReader(1000);
    const found: Buffer[] = [];
    for (let at = 0; at < wire.length; at += size) {
      const piece = Buffer.from(wire.subarray(at, at + size));
      for (const { kind, payload } of reader.push(piece)) {
        expect(kind).toBe('data');
        found.push(payload);
      }
    }
    // Looked at only now: a later piece must not have overwritten an earlier payload.
    expect(found.map(String)).toEqual(sent);
  });

  test('takes a frame of exactly the maximum, and refuses one byte more at its header', () => {
    const reader = new FrameReader(10);
    expect(texts(reader, encodeFrame('data', Buffer.alloc(10, 'x')))).toEqual(['xxxxxxxxxx']);
    const tooLong = encodeFrame('data', Buffer.alloc(11, 'x')).subarray(0, FRAME_HEADER_BYTES);
    expect(() => texts(reader, tooLong)).toThrow('a frame of 12 bytes where 10 are accepted');
  });

  test.each([
    ['of an unknown kind', '0000000163'],
    ['of kind 0', '0000000100'],
  ])('refuses a frame %s', (_, hex) => {
    expect(() => texts(new FrameReader(10), Buffer.from(hex, 'hex'))).toThrow('unknown kind');
  });

  test('refuses a frame that is shorter than its kind', () => {
    expect(() => texts(new FrameReader(10), Buffer.from('0000000003', 'hex'))).toThrow('a frame of 0 bytes');
  });
});

describe('FrameQueue', () => {
  test('hands out frames in order, over many, and counts what is left', () => {
    const queue = new FrameQueue(10_000_000);
    const order: number[] = [];
    for (let index = 0; index < 5000; index += 1) {
      queue.push(Buffer.from(String(index)), 0);
      if (index % 2 === 1) order.push(Number(queue.shift()));
    }
    for (let frame = queue.shift(); frame !== undefined; frame = queue.shift()) order.push(Number(frame));
    expect(order).toEqual(Array.from({ length: 5000 }, (_, index) => index));
    expect(queue.bytes).toBe(0);
  });

  test('takes no more than its bytes, counting overhead and what waits elsewhere', () => {
    const queue = new FrameQueue(2 * (10 + FRAME_OVERHEAD_BYTES));
    expect(queue.push(Buffer.alloc(10), 0)).toBe(true);
    expect(queue.push(Buffer.alloc(10), 1)).toBe(false);
    expect(queue.push(Buffer.alloc(11), 0)).toBe(false);
    expect(queue.push(Buffer.alloc(10), 0)).toBe(true);
    queue.clear();
    expect(queue.bytes).toBe(0);
    expect(queue.shift()).toBeUndefined();
  });
});

test('Backoff doubles up to its maximum, less a random part, and starts again after a reset', () => {
  const backoff = new Backoff(50, 300, () => 0);
  expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([50, 100, 200, 300, 300]);
  backoff.reset();
  expect(backoff.next()).toBe(50);
  expect(new Backoff(50, 300, () => 0.5).next()).toBe(37.5);
});

test('Complaints logs the same about a peer once a minute and says how often it kept quiet', () => {
  let now = 0;
  const log = new Lines();
  const complaints = new Complaints(log, () => now);
  for (now = 0; now < 60_000; now += 1000) complaints.warn(2, 'bad');
  complaints.warn(3, 'bad');
  complaints.warn(undefined, 'bad', { reason: 'x' });
  now = 60_000;
  complaints.warn(2, 'bad');
  expect(log.lines.map(({ fields }) => fields)).toEqual([{ peer: 2 }, { peer: 3 }, { reason: 'x' }, { peer: 2, unlogged: 59 }]);
});
