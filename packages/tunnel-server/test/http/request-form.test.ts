import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { findMalformation } from '../../src/http/request-form.ts';

const request = (
  httpVersion: string,
  ...rawHeaders: string[]
): Pick<IncomingMessage, 'httpVersion' | 'rawHeaders'> => ({
  httpVersion,
  rawHeaders,
});

it.each([
  { head: request('1.1', 'Host', 'a') },
  { head: request('1.0') },
  { head: request('1.1', 'Host', 'a', 'Transfer-Encoding', 'Chunked') },
  { head: request('1.1', 'X', 'Host', 'Y', 'Host', 'host', 'a') },
])('finds nothing wrong with $head', ({ head }) => {
  expect(findMalformation(head)).toBeUndefined();
});

it.each([
  { head: request('2.0', 'Host', 'a'), why: 'the version is neither HTTP/1.1 nor HTTP/1.0' },
  { head: request('0.9'), why: 'the version is neither HTTP/1.1 nor HTTP/1.0' },
  { head: request('1.1', 'Host', 'a', 'host', 'b'), why: 'the head has two Host fields' },
  { head: request('1.1', 'Content-Length', '1', 'content-length', '1'), why: 'the head has two Content-Length fields' },
  {
    head: request('1.1', 'Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'),
    why: 'the head has two Transfer-Encoding fields',
  },
  {
    head: request('1.1', 'Proxy-Authorization', 'Basic x', 'proxy-authorization', 'Basic y'),
    why: 'the head has two Proxy-Authorization fields',
  },
  { head: request('1.1', 'X', 'a\tb'), why: 'the head has a control character' },
  {
    head: request('1.1', 'Transfer-Encoding', 'gzip, chunked'),
    why: 'the Transfer-Encoding is not chunked and nothing else',
  },
  { head: request('1.0', 'Transfer-Encoding', 'chunked'), why: 'HTTP/1.0 has no Transfer-Encoding' },
])('finds that $why', ({ head, why }) => {
  expect(findMalformation(head)).toBe(why);
});
