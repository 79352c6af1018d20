#!/usr/bin/env node
/**
 * The agency, in a bad place: its network lets everything through to the replicas until it closes an activity. The close gets
 * to replica 1 and to nobody else, and at that moment the machine dies. The agency itself is the shipped one; it only finds
 * other addresses in its cluster configuration, those of the relay below.
 */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LoadedCluster, LoadedReplica } from '../config/index.js';
import { runService } from './service.js';

const REACHED = 1;
const CLOSE = 'closeAllParticipants';

const relayTo = async (replica: LoadedReplica): Promise<LoadedReplica> => {
  const server = createServer((incoming, outgoing) => {
    const closes = String(incoming.headers['soapaction']).includes(CLOSE);
    if (closes && replica.id !== REACHED) return;
    const target = new URL(incoming.url ?? '/', replica.url);
    const forwarded = request(
      target,
      { method: incoming.method ?? 'POST', headers: { ...incoming.headers, host: target.host } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    // On 'finish' the whole message is with the kernel, which delivers it after we are gone.
    if (closes) forwarded.on('finish', () => process.kill(process.pid, 'SIGKILL'));
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { ...replica, url: `http://127.0.0.1:${port}` };
};

await runService(async (cluster: LoadedCluster) => ({ ...cluster, replicas: await Promise.all(cluster.replicas.map(relayTo)) }));
