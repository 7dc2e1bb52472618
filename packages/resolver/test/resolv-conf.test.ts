import { describe, expect, it } from 'vitest';
import { parseResolvConf, searchNames } from '../src/resolv-conf.ts';

describe('parseResolvConf', () => {
  it('asks a server on this machine when the file names none', () => {
    expect(parseResolvConf('')).toEqual({ servers: [{ host: '127.0.0.1', port: 53 }], search: [], ndots: 1 });
  });

  it.each([
    { text: 'nameserver 10.0.0.2\nnameserver fd00::53 # v6', hosts: ['10.0.0.2', 'fd00::53'] },
    { text: ' nameserver\t10.0.0.2 10.0.0.3\r\n', hosts: ['10.0.0.2'] },
    {
      text: 'nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4',
      hosts: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    },
    { text: 'nameserver fe80::1%eth0', hosts: ['fe80::1%eth0'] },
    { text: 'nameserver dns.example\nnameserver 10.0.0.2', hosts: ['10.0.0.2'] },
    { text: '; nameserver 10.0.0.9\n#nameserver 10.0.0.8\nnameserver 10.0.0.2', hosts: ['10.0.0.2'] },
  ])('finds the servers $hosts', ({ text, hosts }) => {
    expect(parseResolvConf(text).servers).toEqual(hosts.map((host) => ({ host, port: 53 })));
  });

  it.each([
    { text: 'search corp.example  Example.', search: ['corp.example', 'example'] },
    { text: 'search a.example\nsearch b.example', search: ['b.example'] },
    { text: 'domain a.example', search: ['a.example'] },
    { text: 'domain a.example\nsearch b.example c.example', search: ['b.example', 'c.example'] },
    { text: 'search .', search: [] },
    { text: 'search', search: [] },
  ])('reads the search list $search from "$text"', ({ text, search }) => {
    expect(parseResolvConf(text).search).toEqual(search);
  });

  it.each([
    { text: 'options ndots:5 timeout:2 attempts:3', ndots: 5, tryMs: 2000 },
    { text: 'options ndots:99 timeout:999', ndots: 15, tryMs: 30_000 },
    { text: 'options ndots:2\noptions rotate ndots:3', ndots: 3, tryMs: undefined },
    { text: 'options ndots:0', ndots: 0, tryMs: undefined },
    { text: 'options ndots:x timeout: timeout:0', ndots: 1, tryMs: undefined },
  ])('reads "$text"', ({ text, ndots, tryMs }) => {
    expect(parseResolvConf(text)).toMatchObject({ ndots, ...(tryMs !== undefined && { tryMs }) });
    expect(parseResolvConf(text).tryMs).toBe(tryMs);
  });
});

describe('searchNames', () => {
  const search = ['a.example', 'b.example'];

  it.each([
    { name: 'db', ndots: 1, names: ['db.a.example', 'db.b.example', 'db'] },
    { name: 'www.example', ndots: 1, names: ['www.example'] },
    { name: 'db', ndots: 0, names: ['db'] },
    { name: 'api.svc', ndots: 5, names: ['api.svc.a.example', 'api.svc.b.example', 'api.svc'] },
  ])('asks for $names when $name is meant and ndots is $ndots', ({ name, ndots, names }) => {
    expect(searchNames(name, { search, ndots })).toEqual(names);
  });

  it('leaves out what would be longer than a name may be', () => {
    const name = 'a'.repeat(63);
    const longest = `${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
    const names = searchNames(name, { search: [longest, `${longest}d`], ndots: 1 });
    expect(names).toEqual([`${name}.${longest}`, name]);
  });
});
