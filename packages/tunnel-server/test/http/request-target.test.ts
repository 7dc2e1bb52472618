import { describe, expect, it } from 'vitest';
import { parseRequestTarget } from '../../src/http/request-target.ts';

const parts = (requestTarget: string, host?: string, method = 'GET') => ({ method, requestTarget, host });

describe('a target in absolute-form', () => {
  it.each([
    {
      target: 'http://example.com/a/b?c=d',
      host: 'example.com',
      port: 80,
      originForm: '/a/b?c=d',
      field: 'example.com',
    },
    { target: 'http://example.com:80/', host: 'example.com', port: 80, originForm: '/', field: 'example.com' },
    { target: 'HTTP://EXAMPLE.com.:8080', host: 'example.com', port: 8080, originForm: '/', field: 'example.com:8080' },
    { target: 'http://example.com?q', host: 'example.com', port: 80, originForm: '/?q', field: 'example.com' },
    { target: 'http://[2001:DB8::1]/x', host: '2001:db8::1', port: 80, originForm: '/x', field: '[2001:db8::1]' },
    { target: 'http://example.com:/a', host: 'example.com', port: 80, originForm: '/a', field: 'example.com' },
    { target: 'http://[::1]:', host: '::1', port: 80, originForm: '/', field: '[::1]' },
    { target: 'http://[::1]:81/', host: '::1', port: 81, originForm: '/', field: '[::1]:81' },
    { target: 'ws://a/chat', host: 'a', port: 80, originForm: '/chat', field: 'a' },
    { target: 'http://a/caf\xc3\xa9?\xff', host: 'a', port: 80, originForm: '/caf%C3%A9?%FF', field: 'a' },
    { target: 'http://a/http://b/', host: 'a', port: 80, originForm: '/http://b/', field: 'a' },
    { target: 'http://user:secret@a:81/x', host: 'a', port: 81, originForm: '/x', field: 'a:81' },
    { target: 'http://user%40b:%2F@[::1]', host: '::1', port: 80, originForm: '/', field: '[::1]' },
    { target: 'http://@a?b@c', host: 'a', port: 80, originForm: '/?b@c', field: 'a' },
  ])('leads $target to $host port $port', ({ target, host, port, originForm, field }) => {
    for (const isToProxy of [true, false]) {
      const read = parseRequestTarget(parts(target, 'other.example'), isToProxy);
      expect(read).toMatchObject({ kind: 'target', destination: { host, port }, originForm, host: field });
    }
  });

  it('asks about the whole server in an OPTIONS without a path', () => {
    expect(parseRequestTarget(parts('http://a', undefined, 'OPTIONS'), true)).toMatchObject({ originForm: '*' });
    expect(parseRequestTarget(parts('http://a/', undefined, 'OPTIONS'), true)).toMatchObject({ originForm: '/' });
  });

  it.each([
    { target: 'https://example.com/', why: 'https is reached by CONNECT host:port, not in absolute-form' },
    { target: 'wss://example.com/', why: 'wss is reached by CONNECT host:port, not in absolute-form' },
    { target: `http://${'a'.repeat(2000)}/`, why: 'the target is longer than 1024 characters' },
    { target: 'ftp://example.com/', why: 'the target has another scheme than http' },
    { target: 'http://user@a@example.com/', why: 'the target has user information' },
    { target: 'http://a\\@example.com/', why: 'the target has user information' },
    { target: 'http://user:secret@/', why: 'the host is empty' },
    { target: 'http://example.com/#top', why: 'the target has a fragment' },
    { target: 'http://', why: 'the host is empty' },
    { target: 'http:///path', why: 'the host is empty' },
    { target: 'http://:/path', why: 'the host is empty' },
    { target: 'http://example.com:0/', why: 'the port is not between 1 and 65535' },
    { target: 'http://example.com:http/', why: 'the port is not a decimal number' },
    { target: 'http://127.1/', why: 'an IP address is written in full; write 127.0.0.1' },
    {
      target: 'http://2001:db8::1/',
      why: 'an IPv6 address stands in brackets, with the port behind them: write [2001:db8::1]:80',
    },
    { target: 'http://[::1%25lo]/', why: 'an IPv6 address with a zone is no destination' },
  ])('is malformed as $target', ({ target, why }) => {
    expect(parseRequestTarget(parts(target, 'a'), true)).toEqual({ kind: 'malformed', why });
  });
});

describe('a target without a host', () => {
  it.each([
    { target: '/a?b', method: 'GET', host: 'Example.com:8080', field: 'example.com:8080', port: 8080 },
    { target: '/', method: 'GET', host: 'example.com', field: 'example.com', port: 80 },
    { target: '/', method: 'GET', host: 'example.com:', field: 'example.com', port: 80 },
    { target: '*', method: 'OPTIONS', host: '[::1]', field: '[::1]', port: 80 },
  ])('goes to where Host says: $method $target at $host', ({ target, method, host, field, port }) => {
    const read = parseRequestTarget(parts(target, host, method), false);
    expect(read).toMatchObject({ kind: 'target', destination: { port }, originForm: target, host: field });
  });

  it.each([
    { target: '/', host: undefined, why: 'the head has no Host field' },
    { target: '/', host: '', why: 'the host is empty' },
    { target: '/', host: 'a/b', why: 'the target has a path' },
    { target: '/', host: 'user:secret@a', why: 'the target has user information' },
    { target: '/', host: 'a, b', why: 'the target has a space, a control character or a character outside ASCII' },
    { target: '*', host: 'a', why: 'the target is neither a path nor in absolute-form' },
    { target: 'a:80', host: 'a', why: 'the target is neither a path nor in absolute-form' },
  ])('is malformed as $target with Host $host', ({ target, host, why }) => {
    expect(parseRequestTarget(parts(target, host), false)).toEqual({ kind: 'malformed', why });
  });

  it.each(['/', '*', 'a:80'])('will not do for a proxy that the client knows of: %s', (target) => {
    const why = 'the target is not in absolute-form (http://host/path), as a proxy needs it';
    expect(parseRequestTarget(parts(target, 'a', 'OPTIONS'), true)).toEqual({ kind: 'malformed', why });
  });
});
