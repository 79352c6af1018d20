import { describe, expect, test } from '@jest/globals';
import { readOptions } from './options.js';
import { rulesWithout } from './rules.js';

describe('the arguments of npm run confluence', () => {
  test('without any: all rules, the full family, two threads', () => {
    expect(readOptions([])).toEqual({ without: [], size: 'full', workers: 2 });
  });

  test('rules may be left out, one or several', () => {
    expect(readOptions(['--without', 'hold', '--without', 'late'])).toMatchObject({ without: ['hold', 'late'] });
    expect(Object.keys(rulesWithout(['hold']))).toEqual(['explicitSet', 'lateRegistration']);
    expect(Object.keys(rulesWithout(['set', 'late']))).toEqual(['hold']);
  });

  test('size and threads', () => {
    expect(readOptions(['--size', 'small', '--workers', '4'])).toEqual({ without: [], size: 'small', workers: 4 });
    expect(readOptions(['--help'])).toBe('help');
  });

  test.each([
    [['--frobnicate'], /'--frobnicate'/],
    [['hold'], /'hold'/],
    [['--without'], /argument missing/],
    [['--without', 'explicitSet'], /'explicitSet' is unknown/],
    [['--size', 'huge'], /'huge' is unknown/],
    [['--workers', '0'], /'0' is no number of threads/],
    [['--workers', '65'], /'65' is no number of threads/],
    [['--workers', '1.5'], /'1.5' is no number of threads/],
  ])('%j is told to be wrong', (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
  });
});
