/** One of node's servers of the bench as a process of its own: `worker.js echo|ours DIRECTORY`. It prints its port when it listens. */

import { readParty } from './edge/keys.js';
import { serveEcho, serveOurs } from './edge/servers.js';

const [kind, directory = ''] = process.argv.slice(2);
const server = kind === 'ours' ? await serveOurs(readParty(directory)) : await serveEcho();
console.log(String(server.port));
