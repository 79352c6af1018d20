import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Program } from '../examples/program.js';
import { makeCa } from '../soap/pki.js';

export interface SignedByGsoap {
  readonly authorityPem: string;
  readonly envelope: string;
}

/** What the program of test/interop/gsoap sends first when its key is on P-256; to a server that answers nothing. */
export async function signedByGsoap(command: readonly string[], dir: string, port: number): Promise<SignedByGsoap> {
  const ca = await makeCa();
  const client = await ca.issue({ cn: 'gsoap', ou: ['initiator', 'participant'], keyType: 'ec' });
  for (const folder of ['keys', 'replica-1']) mkdirSync(join(dir, folder), { recursive: true });
  writeFileSync(join(dir, 'ca.pem'), ca.pem);
  writeFileSync(join(dir, 'keys/gsoap.pem'), client.certificatePem);
  writeFileSync(join(dir, 'keys/gsoap.key'), client.privateKeyPem);
  writeFileSync(join(dir, 'replica-1/replica.pem'), client.certificatePem);

  let received: (envelope: string) => void = () => undefined;
  const first = new Promise<string>((resolve) => (received = resolve));
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received(Buffer.concat(chunks).toString('utf8'));
      response.writeHead(503).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [file = '', ...args] = command;
  const options = [
    '--client',
    'gsoap',
    '--soap',
    '1.1',
    '--port',
    String(port),
    '--address',
    url,
    '--f',
    '0',
    '--replica',
    `1=${url}`,
  ];
  const program = new Program(file, [...args, dir, ...options]);
  try {
    const ended = program.exited.then(() => Promise.reject(new Error(program.story())));
    return { authorityPem: ca.pem, envelope: await Promise.race([first, ended]) };
  } finally {
    await program.stop();
    server.close();
    server.closeAllConnections();
  }
}
