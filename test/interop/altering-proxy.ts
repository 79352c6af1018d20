import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AlteringProxy {
  readonly url: string;
  close(): Promise<void>;
}

/** Passes requests on as they are, and changes what the answers say without being able to sign them. */
export async function startAlteringProxy(target: string): Promise<AlteringProxy> {
  const server = createServer((request, response) => {
    pass(request, response, target).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const PASSED_ON = ['content-type', 'soapaction'];

async function pass(request: IncomingMessage, response: ServerResponse, target: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = PASSED_ON.flatMap((name): [string, string][] => {
    const value = request.headers[name];
    return typeof value === 'string' ? [[name, value]] : [];
  });
  const answer = await fetch(target + (request.url ?? ''), {
    method: request.method ?? 'GET',
    headers,
    ...(request.method === 'POST' ? { body: Buffer.concat(chunks) } : {}),
  });
  const text = Buffer.from(await answer.text(), 'utf8');
  const body = request.method === 'POST' ? Buffer.from(altered(text.toString('utf8')), 'utf8') : text;
  response.writeHead(answer.status, {
    'content-type': answer.headers.get('content-type') ?? 'text/plain',
    'content-length': body.length,
  });
  response.end(body);
}

/** Other ids, other states, another verdict: whatever of it the Body has, and a space at its end in any case. */
export function altered(envelope: string): string {
  return envelope.replace(/<([\w-]+):Body[ >].*<\/\1:Body>/s, (body: string) =>
    body
      .replace(/urn:uuid:(.)/g, (_all, digit: string) => `urn:uuid:${digit === '0' ? '1' : '0'}`)
      .replaceAll('wsba:Active', 'wsba:Completed')
      .replace(/(Retryable>)(true|false)/, (_all, tag: string, value: string) => tag + String(value === 'false'))
      .replace(/<\/[\w-]+:Body>$/, ' $&'),
  );
}
