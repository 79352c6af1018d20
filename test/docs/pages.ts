import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DEFAULT_BROADCAST_LIMITS } from '../../src/bft/index.js';
import { CLIENT_LIMITS } from '../../src/client/index.js';
import { DEFAULT_LIMITS } from '../../src/config/index.js';
import { ERRORS, type ErrorEntry } from '../../src/errors.js';
import { EDGE_LIMITS, PARSE_LIMITS, TRANSPORT_LIMITS } from '../../src/soap/index.js';
import { TRAVEL_LIMITS } from '../../src/travel/limits.js';
import { stateTablesPage } from './state-tables.js';

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

interface LimitSet {
  readonly title: string;
  readonly about: string;
  readonly file: string;
  readonly values: Readonly<Record<string, number>>;
}

/** Every set of limits of the product, where it is declared. */
const LIMIT_SETS: readonly LimitSet[] = [
  {
    title: 'Limits of a cluster',
    about: 'Overridden by `limits` in cluster.json. Replicas of one cluster should use equal ones.',
    file: 'src/config/limits.ts',
    values: { ...DEFAULT_LIMITS },
  },
  {
    title: 'The broadcast',
    about: 'What cluster.json does not set is fixed; embedders of `concordat/bft` pass their own.',
    file: 'src/bft/limits.ts',
    values: { ...DEFAULT_BROADCAST_LIMITS },
  },
  {
    title: 'One SOAP message',
    about: 'Beyond these a message is refused before a tree is built of it.',
    file: 'src/soap/limits.ts',
    values: { ...PARSE_LIMITS },
  },
  {
    title: 'The SOAP edge',
    about: 'Size and concurrency follow from the cluster’s limits.',
    file: 'src/soap/limits.ts',
    values: { ...EDGE_LIMITS },
  },
  {
    title: 'Sending SOAP',
    about: 'Each exchange that a replica or a client begins.',
    file: 'src/soap/limits.ts',
    values: { ...TRANSPORT_LIMITS },
  },
  {
    title: 'The client library',
    about: 'The option `limits` of `Initiator.open` and `Participant.open`.',
    file: 'src/client/limits.ts',
    values: { ...CLIENT_LIMITS },
  },
  { title: 'The demo', about: 'Fixed.', file: 'src/travel/limits.ts', values: { ...TRAVEL_LIMITS } },
];

/** A table of names, defaults and the comments they are declared with; `…Max…` may share the comment of the name before it. */
function limitsTable({ title, about, file, values }: LimitSet): string {
  const lines = readFileSync(root(file), 'utf8').split('\n');
  const comments = new Map<string, string>();
  let last = '';
  lines.forEach((line, i) => {
    const name = /^ +(?:readonly )?(\w+): ?[^{]*$/.exec(line)?.[1];
    if (name === undefined || comments.has(name)) return;
    const own = /^ +\/\*\* (.*) \*\/$/.exec(lines[i - 1] ?? '')?.[1];
    if (own === undefined && !name.includes('Max')) return;
    last = own ?? last;
    comments.set(name, last);
  });
  const rows = Object.entries(values).map(([name, value]) => `| \`${name}\` | ${value} | ${comments.get(name) ?? ''} |`);
  return [`### ${title}`, '', about, '', '| limit | default | meaning |', '|---|---|---|', ...rows, ''].join('\n');
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
    { path: root('docs/state-tables.md'), made: stateTablesPage() },
    { path: configuration, made: `${intro}${MARK}\n${LIMIT_SETS.map(limitsTable).join('\n')}` },
  ];
}
