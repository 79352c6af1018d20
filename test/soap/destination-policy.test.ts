import { describe, expect, test } from '@jest/globals';
import type { lookup, LookupAddress } from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpTransport } from '../../src/soap/index.js';
import { DestinationPolicy } from '../../src/soap/policy.js';
import type { DestinationOptions } from '../../src/soap/policy.js';
import { codeOf } from './fixtures.js';

const verdict = (url: string, options: DestinationOptions = {}): string =>
  codeOf(() => new DestinationPolicy(options).check(url));

describe('without a list, messages may be sent', () => {
  test.each(['https://hotel.example/ba', 'http://203.0.113.7:8080/', 'http://10.1.2.3/', 'http://[2001:db8::7]:8080/x'])(
    'to %s',
    (url) => expect(verdict(url)).toBe('none'),
  );

  test.each([
    ['loopback', 'http://127.0.0.1:9000/'],
    ['loopback, further in its network', 'http://127.9.9.9/'],
    ['loopback in one number', 'http://2130706433/'],
    ['loopback in hexadecimal', 'http://0x7f.1/'],
    ['loopback over IPv6', 'http://[::1]/'],
    ['loopback in IPv6', 'http://[::ffff:127.0.0.1]/'],
    ['loopback through NAT64', 'http://[64:ff9b::7f00:1]/'],
    ['loopback through 6to4', 'http://[2002:7f00:1::]/'],
    ['loopback by its name', 'http://localhost:8080/'],
    ['loopback by a name below its name', 'http://x.LOCALHOST./'],
    ['this network', 'http://0.0.0.0/'],
    ['the unspecified address', 'http://[::]/'],
    ['the link', 'http://169.254.1.1/'],
    ['the link over IPv6', 'http://[fe80::1]/'],
    ['the metadata of a cloud', 'http://169.254.169.254/latest/meta-data/'],
    ['the metadata of a cloud over IPv6', 'http://[fd00:ec2::254]/'],
    ['the metadata of a cloud in its own range', 'http://100.100.100.200/'],
    ['many', 'http://224.0.0.1/'],
    ['many over IPv6', 'http://[ff02::1]/'],
    ['everybody', 'http://255.255.255.255/'],
  ])('but not to %s (%s)', (_what, url) => expect(verdict(url)).toBe('DestinationRefused'));

  test('in development also to loopback and the link, but never to metadata services or many', () => {
    const allowed = ['http://127.0.0.1:1/', 'http://localhost/', 'http://[::1]/', 'http://169.254.1.1/', 'http://[fe80::1]/'];
    expect(allowed.map((url) => verdict(url, { development: true }))).toEqual(allowed.map(() => 'none'));
    const refused = ['http://169.254.169.254/', 'http://224.0.0.1/', 'http://0.0.0.0/', 'http://[::]/'];
    expect(refused.map((url) => verdict(url, { development: true }))).toEqual(refused.map(() => 'DestinationRefused'));
  });
});

describe('with a list, messages may be sent', () => {
  const rules: readonly [rule: string, inside: readonly string[], outside: readonly string[]][] = [
    [
      'hotel.example',
      ['http://hotel.example/', 'https://HOTEL.example:8443/'],
      ['http://x.hotel.example/', 'http://hotel.example.org/'],
    ],
    ['*.example', ['http://a.example/', 'http://a.b.example/'], ['http://example/', 'http://badexample/']],
    ['hotel.example:8443', ['https://hotel.example:8443/'], ['https://hotel.example/', 'http://hotel.example/']],
    ['*.example:443', ['https://a.example/'], ['http://a.example/']],
    ['10.1.0.0/16', ['http://10.1.255.1/'], ['http://10.2.0.1/', 'http://11.1.0.1/']],
    ['10.1.0.0/16:8000-8010', ['http://10.1.0.1:8000/', 'http://10.1.0.1:8010/'], ['http://10.1.0.1/', 'http://10.1.0.1:8011/']],
    ['192.0.2.7', ['http://192.0.2.7/'], ['http://192.0.2.8/']],
    ['2001:db8::/32', ['http://[2001:db8:1::7]:9/'], ['http://[2001:db9::7]/']],
    ['[2001:db8::]/32:443', ['https://[2001:db8::7]/'], ['https://[2001:db8::7]:444/']],
    ['airline', ['http://airline:8081/'], ['http://airlines:8081/']],
  ];
  test.each(rules)('as %s says', (rule, inside, outside) => {
    const verdicts = (urls: readonly string[]) => urls.map((url) => verdict(url, { allow: [rule] }));
    expect(verdicts(inside)).toEqual(inside.map(() => 'none'));
    expect(verdicts(outside)).toEqual(outside.map(() => 'DestinationRefused'));
  });

  test('but not to forbidden addresses, even if they are on it', () => {
    for (const rule of ['127.0.0.0/8', '0.0.0.0/0'])
      expect(verdict('http://127.0.0.1/', { allow: [rule] })).toBe('DestinationRefused');
    expect(verdict('http://127.0.0.1/', { allow: ['127.0.0.1'], development: true })).toBe('none');
    expect(verdict('http://127.0.0.1/', { allow: ['hotel.example'], development: true })).toBe('DestinationRefused');
  });

  test.each([
    '',
    '*',
    'a b',
    'http://a.example',
    '10.0.0.0/33',
    '10.0.0/8',
    '2001:db8::/129',
    'a:0',
    'a:70000',
    'a:9-8',
    '*.*.example',
    '999.1.1.1',
    '*.0.0.1',
  ])('a rule "%s" is refused', (rule) => expect(codeOf(() => new DestinationPolicy({ allow: [rule] }))).toBe('ConfigInvalid'));
});

describe('what a host name resolves to', () => {
  const answering =
    (...addresses: string[]) =>
    (_host: string, _options: object, callback: (error: null, found: LookupAddress[]) => void): void =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
  /** The addresses that a connection to `url` would try. */
  const found = (url: string, options: DestinationOptions, ...addresses: string[]): Promise<readonly string[] | string> =>
    new Promise((resolve) => {
      const resolver = answering(...addresses) as unknown as typeof lookup;
      const lookupFor = new DestinationPolicy(options).lookupFor(new URL(url), resolver);
      lookupFor('ignored', { all: true }, (error, result) => {
        resolve(error !== null ? error.message : Array.isArray(result) ? result.map(({ address }) => address) : result);
      });
    });

  test('is what is decided about', async () => {
    expect(await found('http://a.example/', {}, '203.0.113.7', '10.0.0.1')).toEqual(['203.0.113.7', '10.0.0.1']);
    expect(await found('http://a.example/', {}, '127.0.0.1', '203.0.113.7', '169.254.169.254')).toEqual(['203.0.113.7']);
    expect(await found('http://a.example/', {}, '127.0.0.1', '::1')).toBe(
      'no address of it may be sent to (127.0.0.1: it is a loopback address; ::1: it is a loopback address)',
    );
    expect(await found('http://a.example/', { allow: ['10.1.0.0/16'] }, '10.1.0.1', '10.2.0.1')).toEqual(['10.1.0.1']);
    expect(await found('http://a.example/', { allow: ['a.example'] }, '10.2.0.1', '127.0.0.1')).toEqual(['10.2.0.1']);
    expect(await found('http://a.example/', { allow: ['10.1.0.0/16:8080'] }, '10.1.0.1')).toContain('not in the list');
  });

  test('is not decided before, if a network is on the list', () => {
    expect(verdict('http://a.example:80/', { allow: ['10.1.0.0/16:80'] })).toBe('none');
    expect(verdict('http://a.example:81/', { allow: ['10.1.0.0/16:80'] })).toBe('DestinationRefused');
  });
});

describe('the transport', () => {
  const send = async (url: string, options: DestinationOptions): Promise<string> => {
    const transport = new HttpTransport({ destinations: new DestinationPolicy(options), timeoutMs: 5_000 });
    try {
      const { status } = await transport.post(url, { soapVersion: '1.1', action: 'urn:a', xml: '<x/>' });
      return String(status);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      transport.close();
    }
  };

  test('connects to nothing that is refused, whether by its address or by what its name resolves to', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      expect(await send(`http://127.0.0.1:${port}/a`, {})).toContain('it is a loopback address');
      // With a network on its list, a policy decides about names when they are resolved.
      expect(await send(`http://localhost:${port}/b`, { allow: ['10.0.0.0/8'], development: true })).toContain(
        'no address of it',
      );
      expect(asked).toEqual([]);
      // A redirect is an answer, and not followed.
      expect(await send(`http://localhost:${port}/c`, { development: true })).toBe('302');
      expect(asked).toEqual(['/c']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
