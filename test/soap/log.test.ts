import { expect, test } from '@jest/globals';
import { createLogger, silentLogger } from '../../src/log.js';

test('the log is one JSON line an event, its level a word, from the level on that was asked for', () => {
  const lines: string[] = [];
  const log = createLogger('replica-1', 'info', { write: (line: string) => void lines.push(line) });
  log.debug({ a: 1 }, 'not this');
  log.warn({ code: 'Busy', text: 'two\nlines' }, 'refused');
  expect(lines).toHaveLength(1);
  expect(lines[0]?.trimEnd()).not.toContain('\n');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    name: 'replica-1',
    level: 'warn',
    code: 'Busy',
    text: 'two\nlines',
    msg: 'refused',
  });
});

test('the silent logger takes everything', () => {
  expect(() => silentLogger.error({ err: new Error('x') }, 'x')).not.toThrow();
});
