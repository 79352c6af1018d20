import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinClient, startChild } from './children.js';
import { buildGsoap } from './gsoap.js';
import { writeParty } from './keys.js';
import { load } from './load.js';
import { makeParty, signedMessage } from './messages.js';
import type { Party } from './messages.js';
import { median, medianRatio } from './rounds.js';
import { serveEcho, serveOurs } from './servers.js';
import type { Server } from './servers.js';

export const SERVERS = ['echo', 'ours', 'gsoap'] as const;
export type ServerName = (typeof SERVERS)[number];

/** Answers per second of each server on one core; gSOAP's only where it could be built. */
export interface ServingResult {
  readonly bytes: number;
  readonly isPinned: boolean;
  readonly rates: Readonly<Partial<Record<ServerName, number>>>;
  /** Our share of what node's HTTP can do. */
  readonly toEcho: number;
  /** Median of the ratios in the same rounds, or why there is none. */
  readonly toGsoap: number | string;
}

/** Rounds that do not count: by then the engine has compiled what is used. */
export const WARM_UP_ROUNDS = 3;

export interface ServingOptions {
  readonly rounds: number;
  readonly roundMs: number;
  /** Servers as processes of their own, each on one core in its turn; else all in this one, and without gSOAP. */
  readonly isApart: boolean;
}

type Running = Partial<Record<ServerName, Server>>;

export async function benchServing(options: ServingOptions): Promise<ServingResult> {
  const party = await makeParty('rsa');
  const directory = mkdtempSync(join(tmpdir(), 'concordat-bench-'));
  const servers: Running = {};
  try {
    const isPinned = options.isApart && pinClient();
    const why = options.isApart ? await startApart(servers, party, directory, isPinned) : await startHere(servers, party);
    const rates = await alternate(servers, party, options);
    const { ours = [], echo = [], gsoap } = rates;
    return {
      bytes: Buffer.byteLength(signedMessage(party, 3).raw),
      isPinned,
      rates: Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, median(values)])),
      toEcho: medianRatio(ours, echo),
      toGsoap: gsoap === undefined ? (why ?? 'not measured') : medianRatio(ours, gsoap),
    };
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.close()));
    rmSync(directory, { recursive: true, force: true });
  }
}

async function startHere(servers: Running, party: Party): Promise<string> {
  servers.echo = await serveEcho();
  servers.ours = await serveOurs(party);
  return 'not measured in a small run';
}

/** Gives why gSOAP is missing, if it is. */
async function startApart(servers: Running, party: Party, directory: string, isPinned: boolean): Promise<string | undefined> {
  const { key, certificate, ca } = writeParty(directory, party);
  const worker = join(import.meta.dirname, '../worker.js');
  const ours = (kind: string): Promise<Server> => startChild([process.execPath, worker, kind, directory], portOf, isPinned);
  servers.echo = await ours('echo');
  servers.ours = await ours('ours');
  const build = buildGsoap(directory);
  if (build.kind === 'missing') return build.why;
  servers.gsoap = await startChild([build.program, '0', key, certificate, ca], portOf, isPinned);
  return undefined;
}

const portOf = (line: string): number | undefined => (/^\d+$/.test(line) ? Number(line) : undefined);

async function alternate(
  servers: Running,
  party: Party,
  { rounds, roundMs }: ServingOptions,
): Promise<Partial<Record<ServerName, number[]>>> {
  const rates: Partial<Record<ServerName, number[]>> = {};
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [i] of SERVERS.entries()) {
      const name = SERVERS[(i + round + WARM_UP_ROUNDS) % SERVERS.length];
      const server = name === undefined ? undefined : servers[name];
      if (name === undefined || server === undefined) continue;
      // Signed anew, for a message is valid for minutes.
      const { rate, answer } = await load(server.port, signedMessage(party, 3).raw, roundMs);
      if (name !== 'echo') party.verifier.verify(answer, Date.now());
      if (round >= 0) (rates[name] ??= []).push(rate);
    }
  }
  return rates;
}
