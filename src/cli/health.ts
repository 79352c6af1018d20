import type { Command } from 'commander';
import { readText } from '../config/index.js';
import { ConcordatError } from '../errors.js';
import { getStatus } from './http-get.js';

/** How long, in milliseconds, an answer may take. */
const HEALTH_TIMEOUT_MS = 3_000;
const HEALTH_PATH = '/healthz';

export function registerHealth(program: Command): void {
  program
    .command('health')
    .description('ask a service whether it works: exit code 0 if it answers HTTP 200, for health checks without curl')
    .argument('<url>', `base URL of a replica, or any other URL; without a path, ${HEALTH_PATH} is asked`)
    .option('--ca <file>', 'authority (PEM) that certifies an https URL, beside those of the system')
    .action(async (url: string, flags: HealthFlags) => {
      await checkHealth(url, flags);
      console.log('ok');
    });
}

interface HealthFlags {
  readonly ca?: string;
}

/** @throws ConcordatError Usage for what is no http URL, ConfigMissing, ReplicaUnreachable when the answer is not 200 or not there in time */
async function checkHealth(text: string, { ca }: HealthFlags): Promise<void> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new ConcordatError('Usage', `"${text}" is not an http URL`);
  if (url.pathname === '/') url.pathname = HEALTH_PATH;
  const authorities = ca === undefined ? [] : [readText(ca, ca, 'ConfigMissing')];
  const status = await getStatus(url, { authorities, timeoutMs: HEALTH_TIMEOUT_MS });
  if (status !== 200) throw new ConcordatError('ReplicaUnreachable', `${url.href} answered HTTP ${status}`);
}
