import type { EdgeResults } from './bench.js';
import type { ProcessingResult } from './processing.js';
import type { ServingResult } from './serving.js';

/** What is to be reached, with verify+sign and 3 references. */
export const TARGETS = { rsaToXmlCrypto: 6, rsaToFloor: 0.6, ecToFloor: 0.25, serverToGsoap: 1 } as const;

export interface Verdict {
  readonly isReached: boolean;
  readonly line: string;
}

const KEY_NAMES = { rsa: 'RSA-2048', ec: 'ECDSA P-256' } as const;

const perSecond = (rate: number): string => rate.toFixed(0);
const percent = (ratio: number): string => `${(ratio * 100).toFixed(0)} %`;
const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`;

export function describe({ processing, serving }: EdgeResults): string[] {
  return [
    'operations per second, one core, medians of alternating rounds',
    ...table(
      ['key', 'references', 'bytes', 'operation', 'ours', 'xml-crypto', 'bare cryptography', 'to xml-crypto', 'to the floor'],
      processing.map((result) => [
        KEY_NAMES[result.keyType],
        String(result.references),
        String(result.bytes),
        result.operation,
        perSecond(result.rates.ours),
        perSecond(result.rates['xml-crypto']),
        perSecond(result.rates.floor),
        times(result.toXmlCrypto),
        percent(result.toFloor),
      ]),
    ),
    '',
    `as a server: RSA-2048, 3 references, ${serving.bytes} bytes, connections kept alive, ${serving.isPinned ? 'each on one core' : 'not held to one core'}`,
    ...table(['server', 'answers per second', 'ours to it'], servers(serving)),
    '',
  ];
}

function servers({ rates, toEcho, toGsoap }: ServingResult): string[][] {
  const gsoap = rates.gsoap === undefined ? String(toGsoap) : perSecond(rates.gsoap);
  return [
    ['node, raw echo', perSecond(rates.echo ?? NaN), percent(toEcho)],
    ['ours, signed echo', perSecond(rates.ours ?? NaN), ''],
    ['gSOAP, signed echo', gsoap, typeof toGsoap === 'number' ? times(toGsoap) : ''],
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)];
}

export function verdictOf({ processing, serving }: EdgeResults): Verdict {
  const rsa = both(processing, 'rsa');
  const ec = both(processing, 'ec');
  const { toGsoap } = serving;
  const checks: readonly (readonly [isReached: boolean, words: string])[] = [
    [
      rsa.toXmlCrypto >= TARGETS.rsaToXmlCrypto,
      `RSA-2048 ${times(rsa.toXmlCrypto)} xml-crypto (target ${TARGETS.rsaToXmlCrypto})`,
    ],
    [rsa.toFloor >= TARGETS.rsaToFloor, `${percent(rsa.toFloor)} of its floor (${percent(TARGETS.rsaToFloor)})`],
    [ec.toFloor >= TARGETS.ecToFloor, `ECDSA P-256 ${percent(ec.toFloor)} of its floor (${percent(TARGETS.ecToFloor)})`],
    typeof toGsoap === 'number'
      ? [toGsoap >= TARGETS.serverToGsoap, `as a server ${times(toGsoap)} gSOAP (${TARGETS.serverToGsoap.toFixed(1)})`]
      : [true, `gSOAP: ${toGsoap}`],
  ];
  const isReached = checks.every(([reached]) => reached);
  return { isReached, line: `${isReached ? 'reached' : 'missed'}: ${checks.map(([, words]) => words).join(', ')}` };
}

function both(processing: readonly ProcessingResult[], keyType: ProcessingResult['keyType']): ProcessingResult {
  const found = processing.find((r) => r.keyType === keyType && r.references === 3 && r.operation === 'verify+sign');
  if (found === undefined) throw new Error(`there is no result for ${keyType}`);
  return found;
}
