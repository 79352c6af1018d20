import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DEFAULT_LIMITS } from '../../src/config/index.js';
import { ERRORS, type ErrorEntry } from '../../src/errors.js';

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const PREFIXES: Readonly<Record<ErrorEntry['fault'][0], string>> = {
  wscoor: 'wscoor:',
  wsa: 'wsa:',
  wsse: 'wsse:',
  soap: '',
  concordat: 'c:',
  wsbai: 'bai:',
};

/** docs/errors.md, from the one table of errors. */
function errorsPage(): string {
  const rows = Object.entries(ERRORS as Record<string, ErrorEntry>).map(
    ([code, { fault, retryable, httpStatus, exitCode, message }]) => {
      const [space, name] = fault;
      return `| \`${code}\` | ${PREFIXES[space]}${name} | ${retryable ? 'yes' : 'no'} | ${httpStatus} | ${exitCode} | ${message} |`;
    },
  );
  return [
    '# Errors',
    '',
    'Made from `src/errors.ts` by `npm run docs`. Every fault carries `<c:Code>` with the stable code, `<c:Retryable>`, `<c:Detail>`',
    'and, where a request waits, `<c:WaitsFor>` (namespace `urn:concordat:2026:coordination`). The fault column is the subcode in SOAP 1.2',
    'and the faultcode in SOAP 1.1 (where a plain Sender is `Client` and a plain Receiver `Server`). After a retryable one, send exactly',
    'the same request again. HTTP status is that of SOAP 1.1. The command line prints the code, too, and exits as the table says.',
    '',
    '| code | SOAP fault | retry | HTTP | exit | meaning |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** docs/configuration.md: the table of limits, from their declarations and defaults. */
function limitsTable(): string {
  const source = readFileSync(root('src/config/limits.ts'), 'utf8');
  const rows = Object.entries(DEFAULT_LIMITS).map(([name, value]) => {
    const comment = new RegExp(`/\\*\\* ([^\\n]*) \\*/\\n  readonly ${name}: number`).exec(source)?.[1];
    return `| \`${name}\` | ${value} | ${comment ?? ''} |`;
  });
  return ['| limit | default | meaning |', '|---|---|---|', ...rows, ''].join('\n');
}

const MARK = '<!-- limits: made by npm run docs -->\n';

export interface Page {
  readonly path: string;
  readonly made: string;
}

export function pages(): Page[] {
  const configuration = root('docs/configuration.md');
  const [intro = ''] = readFileSync(configuration, 'utf8').split(MARK);
  return [
    { path: root('docs/errors.md'), made: errorsPage() },
    { path: configuration, made: `${intro}${MARK}${limitsTable()}` },
  ];
}
