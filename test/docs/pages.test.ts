import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { pages } from './pages.js';

describe('pages that are made from the code', () => {
  for (const { path, made } of pages()) {
    const name = path.slice(path.lastIndexOf('docs/'));
    test(`${name} is up to date (npm run docs)`, () => {
      if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, made);
      expect(readFileSync(path, 'utf8')).toBe(made);
    });
  }

  test('every limit is explained', () => {
    const page = pages().find(({ path }) => path.endsWith('configuration.md'))?.made ?? '';
    const rows = page.split('\n').filter((line) => /^\| `\w+` \| \d/.test(line));
    expect(rows.length).toBeGreaterThan(60);
    for (const row of rows) expect(row).toMatch(/ \| \S.* \|$/);
  });
});
