import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

/** SECURITY.md: the table of actors and threats, and the table of the tests that show each of its cells. */

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const page = readFileSync(root('SECURITY.md'), 'utf8');

interface Table {
  readonly actors: readonly string[];
  readonly rows: ReadonlyMap<string, readonly string[]>;
}

function tableUnder(heading: string): Table {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  const [head = [], ...rows] = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return { actors: head.slice(1), rows: new Map(rows.map(([threat = '', ...cells]) => [threat, cells])) };
}

const NONE = '–';
/** Cells that say what is not promised. */
const OPEN = /not enforced yet|sees all/;
const threats = tableUnder('Who might attack what');
const tests = tableUnder('Which test shows it');
const filesOf = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');

describe('the table of threats', () => {
  test('has a table of tests beside it, with the same actors and threats', () => {
    expect(threats.rows.size).toBeGreaterThan(10);
    expect(tests.actors).toEqual(threats.actors);
    expect([...tests.rows.keys()]).toEqual([...threats.rows.keys()]);
  });

  for (const [threat, promises] of threats.rows) {
    test(`names tests that exist for each promise about: ${threat}`, () => {
      promises.forEach((promise, actor) => {
        const cell = tests.rows.get(threat)?.[actor] ?? '';
        const files = filesOf(cell);
        if (promise === NONE || OPEN.test(promise)) expect(cell).toBe(NONE);
        else expect({ promise, files: files.length > 0 }).toEqual({ promise, files: true });
        expect(files.filter((file) => !existsSync(root(`test/${file}`)))).toEqual([]);
        for (const file of files) expect(file).toMatch(/\.(test|long)\.ts$/);
      });
    });
  }
});
