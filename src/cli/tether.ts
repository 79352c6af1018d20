/**
 * Preloaded into a child process (`node --import`): when the parent is gone, however it went, its pipe to our standard input
 * closes, and we stop as if asked to. The program that runs knows nothing of it.
 */
const STOP_TIMEOUT_MS = 5_000;

process.stdin.on('error', () => undefined);
process.stdin.on('close', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), STOP_TIMEOUT_MS).unref();
});
process.stdin.resume();
process.stdin.unref();
