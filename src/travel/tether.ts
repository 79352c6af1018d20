/**
 * Preloaded into every process of the demo (`node --import`): when the demo itself is gone, however it went, its pipe to our
 * standard input closes, and we stop as if asked to. The program that runs knows nothing of it.
 */
import { TRAVEL_LIMITS } from './limits.js';

process.stdin.on('error', () => undefined);
process.stdin.on('close', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), TRAVEL_LIMITS.stopMs).unref();
});
process.stdin.resume();
process.stdin.unref();
