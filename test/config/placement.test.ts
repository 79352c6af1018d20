import { X509Certificate } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { initCluster, loadCluster } from '../../src/config/index.js';
import type { InitOptions, InitResult } from '../../src/config/index.js';
import { rejectionOf, removeDirectory, temporaryDirectory } from './fixture.js';

const HOSTS = ['r1.example.net', '192.0.2.2', '2001:db8::3', 'r4.example.net'];
const dirs: string[] = [];
const directory = (): string => {
  const dir = temporaryDirectory();
  dirs.push(dir);
  return dir;
};
afterAll(() => dirs.forEach(removeDirectory));

describe('a machine for each replica', () => {
  let made: InitResult;
  beforeAll(async () => {
    made = await initCluster(directory(), { hosts: HOSTS });
  });

  test('has the same ports, and binds all its addresses', () => {
    const { replicas, f, address } = made.config;
    expect(replicas.map(({ url }) => url)).toEqual([
      'http://r1.example.net:8080',
      'http://192.0.2.2:8080',
      'http://[2001:db8::3]:8080',
      'http://r4.example.net:8080',
    ]);
    expect(replicas.map(({ peer }) => peer)).toEqual(HOSTS.map((host) => ({ host, port: 8443 })));
    for (const { listen, peerListen } of replicas) {
      expect(listen).toEqual({ host: '0.0.0.0', port: 8080 });
      expect(peerListen).toEqual({ host: '0.0.0.0', port: 8443 });
    }
    expect({ f, address }).toEqual({ f: 1, address: 'http://r1.example.net:8080' });
    expect(loadCluster(made.dir).n).toBe(4);
  });

  test('has a certificate for its own name and for no other machine’s', () => {
    const names = made.replicas.map(({ certificate }) => new X509Certificate(readFileSync(certificate)).subjectAltName);
    expect(names).toEqual([
      'DNS:localhost, DNS:r1.example.net',
      'DNS:localhost, IP Address:192.0.2.2',
      'DNS:localhost, IP Address:2001:DB8:0:0:0:0:0:3',
      'DNS:localhost, DNS:r4.example.net',
    ]);
  });

  test('has the ports and the address to bind that are asked for, and the cluster an address of its own', async () => {
    const options = { hosts: HOSTS, port: 80, peerPort: 9000, bind: '::', address: 'https://concordat.example.net' };
    const { config } = await initCluster(directory(), options);
    expect(config.replicas[0]).toMatchObject({
      url: 'http://r1.example.net',
      listen: { host: '::', port: 80 },
      peer: { host: 'r1.example.net', port: 9000 },
      peerListen: { host: '::', port: 9000 },
    });
    expect(config.address).toBe('https://concordat.example.net');
  });
});

const rejected: [InitOptions, string][] = [
  [{ hosts: HOSTS.slice(1) }, 'the number of replicas must be 4..31'],
  [{ hosts: HOSTS, n: 7 }, '7 replicas need 7 hosts, not 4'],
  [{ hosts: HOSTS, f: 2 }, '4 replicas tolerate 1..1 faulty ones, not 2'],
  [{ hosts: ['a', 'b', 'a', 'd'] }, 'host a is named twice: each replica needs a machine of its own'],
  [{ hosts: HOSTS, port: 8443 }, 'SOAP and the peers cannot both have port 8443'],
  [{ hosts: HOSTS, port: 70_000 }, 'a port must be 1..65535'],
  [{ hosts: HOSTS, basePort: 4000 }, 'host and base port do not go with hosts'],
  [{ port: 8080 }, 'a port, a peer port and an address to bind go with hosts, one for each replica'],
  [
    { hosts: HOSTS, address: 'concordat.example.net' },
    'the address "concordat.example.net" must be an http or https URL in lower case without a trailing slash, query, fragment or default port',
  ],
  ...['', 'R1', 'a b', 'a/b', 'a:80', '[2001:db8::3]', '2001:db8:0:0:0:0:0:3', '127.1'].map((host): [InitOptions, string] => [
    { hosts: [host, 'b', 'c', 'd'] },
    `"${host}" is not a host name in lower case or an IP address in its usual form`,
  ]),
];

test.each(rejected)('%j is refused before anything is written', async (options, detail) => {
  const dir = directory();
  expect(await rejectionOf(initCluster(dir, options))).toMatchObject({ code: 'Usage', detail });
  expect(readdirSync(dir)).toEqual([]);
});
