import { describe, expect, it } from 'vitest';
import { parseResolvConf } from '../src/resolv-conf.ts';

describe('parseResolvConf', () => {
  it('asks a server on this machine when the file names none', () => {
    expect(parseResolvConf('')).toEqual({ servers: [{ host: '127.0.0.1', port: 53 }] });
  });

  it.each([
    { text: 'nameserver 10.0.0.2\nnameserver fd00::53 # v6', hosts: ['10.0.0.2', 'fd00::53'] },
    { text: ' nameserver\t10.0.0.2 10.0.0.3\r\n', hosts: ['10.0.0.2'] },
    {
      text: 'nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4',
      hosts: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    },
    { text: 'nameserver fe80::1%eth0', hosts: ['fe80::1%eth0'] },
    { text: 'nameserver fe80::1%eth0\nnameserver 10.0.0.2', hosts: ['10.0.0.2'] },
    {
      text: 'nameserver 10.0.0.1\nnameserver fe80::1%2\nnameserver 10.0.0.2\nnameserver 10.0.0.3',
      hosts: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    },
    { text: 'nameserver dns.example\nnameserver 10.0.0.2', hosts: ['10.0.0.2'] },
    { text: '; nameserver 10.0.0.9\n#nameserver 10.0.0.8\nnameserver 10.0.0.2', hosts: ['10.0.0.2'] },
  ])('finds the servers $hosts', ({ text, hosts }) => {
    expect(parseResolvConf(text).servers).toEqual(hosts.map((host) => ({ host, port: 53 })));
  });

  it('takes no suffix for names from it: they are asked for as they are written', () => {
    const text = 'search corp.example\ndomain example\noptions ndots:5\nnameserver 10.0.0.2';
    expect(parseResolvConf(text)).toEqual({ servers: [{ host: '10.0.0.2', port: 53 }] });
  });

  it.each([
    { text: 'options ndots:5 timeout:2 attempts:3', tryMs: 2000 },
    { text: 'options ndots:99 timeout:999', tryMs: 30_000 },
    { text: 'options ndots:2\noptions rotate ndots:3', tryMs: undefined },
    { text: 'options ndots:0', tryMs: undefined },
    { text: 'options ndots:x timeout: timeout:0', tryMs: undefined },
  ])('reads "$text"', ({ text, tryMs }) => {
    expect(parseResolvConf(text).tryMs).toBe(tryMs);
  });
});
