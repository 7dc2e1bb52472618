import { describe, expect, it } from 'vitest';
import { dialFailureFrom, listenErrorFrom } from '../src/portable/system-errors.ts';

const errorOf = (code: string, syscall = 'connect'): NodeJS.ErrnoException =>
  Object.assign(new Error(code), { code, syscall });

describe('system errors', () => {
  it.each([
    ['ECONNREFUSED', 'refused'],
    ['ECONNRESET', 'reset'],
    ['ETIMEDOUT', 'timeout'],
    ['EHOSTUNREACH', 'unreachable'],
    ['ENETUNREACH', 'unreachable'],
    ['EAFNOSUPPORT', 'unreachable'],
    ['EPERM', 'unreachable'],
    ['EACCES', 'unreachable'],
    ['EMFILE', 'exhausted'],
    ['ENFILE', 'exhausted'],
    ['ENOMEM', 'exhausted'],
    ['EAGAIN', 'exhausted'],
    ['ENOBUFS', 'exhausted'],
    ['EADDRINUSE', 'exhausted'],
    ['ESOMETHINGNEW', 'unreachable'],
  ])('%s of a dial is %s', (code, kind) => {
    expect(dialFailureFrom(errorOf(code), '192.0.2.1')).toBe(kind);
  });

  it.each([
    { host: '192.0.2.1', syscall: 'connect', hasIpv6: false, kind: 'exhausted', why: 'no port is left' },
    { host: '2001:db8::1', syscall: 'connect', hasIpv6: true, kind: 'exhausted', why: 'no port is left' },
    { host: '2001:db8::1', syscall: 'connect', hasIpv6: false, kind: 'unreachable', why: 'no IPv6 to dial from' },
    { host: '192.0.2.1', syscall: 'bind', hasIpv6: true, kind: 'no-source', why: 'the source address is not ours' },
  ])('EADDRNOTAVAIL of $syscall to $host is $kind: $why', ({ host, syscall, hasIpv6, kind }) => {
    expect(dialFailureFrom(errorOf('EADDRNOTAVAIL', syscall), host, () => hasIpv6)).toBe(kind);
  });

  it.each([
    ['EADDRINUSE', 'in-use'],
    ['EACCES', 'no-rights'],
    ['EADDRNOTAVAIL', 'no-such-address'],
    ['EMFILE', 'no-descriptors'],
    ['ENOBUFS', 'other'],
  ])('%s of a listener is %s, with the cause kept', (code, kind) => {
    const cause = errorOf(code, 'listen');
    expect(listenErrorFrom(cause, { host: '::', port: 443 })).toMatchObject({ kind, cause, bind: { port: 443 } });
  });
});
