import type { Command } from 'commander';
import { ConcordatError } from '../errors.js';

/** How long, in milliseconds, an answer may take. */
const HEALTH_TIMEOUT_MS = 3_000;
const HEALTH_PATH = '/healthz';

export function registerHealth(program: Command): void {
  program
    .command('health')
    .description('ask a service whether it works: exit code 0 if it answers HTTP 200, for health checks without curl')
    .argument('<url>', `base URL of a replica, or any other URL; without a path, ${HEALTH_PATH} is asked`)
    .action(async (url: string) => {
      await checkHealth(url);
      console.log('ok');
    });
}

/** @throws ConcordatError Usage for what is no http URL, ReplicaUnreachable when the answer is not 200 or not there in time */
async function checkHealth(text: string): Promise<void> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new ConcordatError('Usage', `"${text}" is not an http URL`);
  if (url.pathname === '/') url.pathname = HEALTH_PATH;
  const response = await get(url);
  await response.body?.cancel();
  if (response.status !== 200) throw new ConcordatError('ReplicaUnreachable', `${url.href} answered HTTP ${response.status}`);
}

async function get(url: URL): Promise<Response> {
  try {
    return await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
  } catch (error) {
    throw new ConcordatError('ReplicaUnreachable', `${url.href} did not answer (${reasonOf(error)})`, { cause: error });
  }
}

/** fetch hides the reason in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `${HEALTH_TIMEOUT_MS} ms`;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.message;
}
