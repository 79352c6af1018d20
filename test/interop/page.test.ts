import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

const page = new URL('../../docs/interop.md', import.meta.url);
const text = readFileSync(page, 'utf8');

/** A code block below a line with a link to the file it is from. */
const QUOTED = /^\[`[^`]+`\]\((?<file>[^)]+)\):\n\n```\w+\n(?<code>[^]*?)\n```$/gm;
const quotations = [...text.matchAll(QUOTED)].map(({ groups }) => [groups?.['file'] ?? '', groups?.['code'] ?? ''] as const);

const withoutIndentation = (code: string): string => code.replace(/^ +/gm, '');

describe('docs/interop.md', () => {
  test('quotes every stack', () => {
    const stacks = new Set(quotations.map(([file]) => /interop\/(\w+)\//.exec(file)?.[1]));
    expect([...stacks].sort()).toEqual(['gsoap', 'jaxws', 'soap', 'zeep']);
  });

  test.each(quotations)('quotes %s as it is', (file, code) => {
    expect(withoutIndentation(readFileSync(new URL(file, page), 'utf8'))).toContain(withoutIndentation(code));
  });

  test('links to files that are there', () => {
    const links = [...text.matchAll(/\]\((?<file>\.\.?\/[^)#]+|[\w-]+\.md)[^)]*\)/g)].map(({ groups }) => groups?.['file'] ?? '');
    expect(links.length).toBeGreaterThan(20);
    for (const link of links) expect(() => readFileSync(new URL(link, page))).not.toThrow(/ENOENT/);
  });
});
