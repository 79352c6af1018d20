import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
const withoutComments = (text: string): string => text.replace(/^\s*#.*\n/gm, '');
const compose = withoutComments(read('docker-compose.yml'));
const dockerfile = withoutComments(read('Dockerfile'));

/** The blocks below `key` at an indentation, by name: enough of YAML for one file that we write ourselves. */
function blocks(text: string, indent: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let name = '';
  for (const line of text.split('\n')) {
    const head = new RegExp(`^ {${indent}}([\\w-]+):`).exec(line)?.[1];
    if (head !== undefined) name = head;
    if (name !== '') found.set(name, `${found.get(name) ?? ''}${line}\n`);
  }
  return found;
}

const top = blocks(compose, 0);
const section = (name: string): string => {
  const block = top.get(name);
  if (block === undefined) throw new Error(`docker-compose.yml has no ${name}`);
  return block;
};
const services = blocks(section('services'), 2);
const replicas = ['replica1', 'replica2', 'replica3', 'replica4'];
const lasting = [...replicas, 'airline', 'hotel', 'agency'];

/** The items of a list of one service, in either notation. */
function listOf(service: string, key: string): string[] {
  const block = blocks(services.get(service) ?? '', 4).get(key) ?? '';
  const inline = /^ +[\w-]+: \[(.*)\]$/m.exec(block)?.[1];
  return inline?.split(',').map((item) => item.trim()) ?? [...block.matchAll(/^ +- (.*)$/gm)].map(([, item = '']) => item);
}

describe('docker-compose.yml', () => {
  test('has four replicas, the three services of the demo, and the one that makes the keys', () => {
    expect([...services.keys()].sort()).toEqual([...lasting, 'keys'].sort());
  });

  test.each([...lasting, 'keys'])('%s runs without rights: not root, nothing to write to but its volumes and /tmp', (name) => {
    const common = section('x-service');
    expect(common).toMatch(/^ {2}user: node$/m);
    expect(common).toMatch(/^ {2}read_only: true$/m);
    expect(common).toMatch(/^ {2}tmpfs:\n {4}- \/tmp$/m);
    expect(common).toMatch(/^ {2}cap_drop:\n {4}- ALL$/m);
    expect(common).toMatch(/^ {2}security_opt:\n {4}- no-new-privileges:true$/m);
    const keys = blocks(services.get(name) ?? '', 4);
    expect(services.get(name)).toMatch(/^ {4}<<: \*service$/m);
    for (const key of ['user', 'read_only', 'tmpfs', 'cap_drop', 'cap_add', 'security_opt', 'privileged', 'devices', 'pid']) {
      expect(keys.has(key)).toBe(false);
    }
  });

  test.each(lasting)('%s has a health command that needs nothing but node', (name) => {
    expect(services.get(name)).toMatch(/^ {6}test: node dist\/cli\/main\.js health http:\/\/localhost:\d+[\w/]*$/m);
  });

  test('publishes the SOAP ports of the replicas and the page of the agency, on loopback only', () => {
    const published = Object.fromEntries([...services.keys()].map((name) => [name, listOf(name, 'ports')]));
    expect(published).toEqual({
      keys: [],
      replica1: ['127.0.0.1:8081:8080'],
      replica2: ['127.0.0.1:8082:8080'],
      replica3: ['127.0.0.1:8083:8080'],
      replica4: ['127.0.0.1:8084:8080'],
      airline: [],
      hotel: [],
      agency: ['127.0.0.1:8080:8080'],
    });
  });

  test('has one internal network; only who publishes a port is on another one', () => {
    expect(blocks(section('networks'), 2).get('inside')).toMatch(/^ {4}internal: true$/m);
    for (const name of services.keys()) {
      expect(listOf(name, 'networks')).toEqual(listOf(name, 'ports').length > 0 ? ['inside', 'outside'] : ['inside']);
    }
  });

  test('gives each service volumes of its own, named ones only, and its keys for reading only', () => {
    const named = [...blocks(section('volumes'), 2).keys()];
    for (const name of lasting) expect(listOf(name, 'volumes')).toEqual([`${name}-config:/config:ro`, `${name}-data:/data`]);
    expect(listOf('keys', 'volumes')).toEqual([
      'authority:/authority',
      ...lasting.map((name) => `${name}-config:/parts/${name}`),
    ]);
    expect(named.sort()).toEqual(['authority', ...lasting.flatMap((name) => [`${name}-config`, `${name}-data`])].sort());
  });

  test('mounts no socket of an engine anywhere', () => {
    expect(compose).not.toMatch(/\.sock|\/var\/run|\/run\//);
  });

  test.each(lasting)('%s waits for its keys, so that services start in any order', (name) => {
    expect(services.get(name)).toMatch(/--wait,? '?60/);
    expect(services.get(name)).not.toContain('depends_on');
  });

  test('starts again what fails, and leaves dead what was killed', () => {
    expect(section('x-service')).toMatch(/^ {2}restart: unless-stopped$/m);
    for (const name of lasting) expect(blocks(services.get(name) ?? '', 4).has('restart')).toBe(false);
    expect(services.get('keys')).toMatch(/^ {4}restart: on-failure$/m);
  });
});

describe('Dockerfile', () => {
  const runtime = dockerfile.slice(dockerfile.lastIndexOf('FROM '));

  test('ends with an image for production that does not run as root', () => {
    expect(runtime).toMatch(/^ENV NODE_ENV=production$/m);
    expect(runtime.trim().split('\n').slice(-2)[0]).toBe('USER node');
  });

  test('makes every directory that a volume is mounted on, for the user that runs', () => {
    const targets = [...services.keys()].flatMap((name) => listOf(name, 'volumes')).map((volume) => volume.split(':')[1] ?? '');
    const [, made = '', owned = ''] =
      /mkdir -p ([^&]+)&& chown -R node:node ([^\n]+)/.exec(runtime.replaceAll('\\\n', ' ')) ?? [];
    for (const target of new Set(targets)) {
      expect(made.split(/\s+/)).toContain(target);
      expect(owned.split(/\s+/).some((top) => target === top || target.startsWith(`${top}/`))).toBe(true);
    }
  });

  test('gets nothing from this machine but sources', () => {
    const [all, ...exceptions] = withoutComments(read('.dockerignore')).trim().split('\n');
    expect(all).toBe('*');
    for (const line of exceptions)
      expect(line).toMatch(/^!(package(-lock)?\.json|\.npmrc|tsconfig(\.build)?\.json|src|wsdl|scripts)$/);
  });
});
