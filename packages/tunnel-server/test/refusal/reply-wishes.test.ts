import { describe, expect, it } from 'vitest';
import { readReplyWishes } from '../../src/refusal/reply-wishes.ts';

describe('the wishes of a request that is not parsed', () => {
  it.each([
    ['GET / HTTP/1.1\r\nAccept: a/b\r\n\r\n', ' a/b'],
    ['GET / HTTP/1.1\r\nHost: x\r\naccept:a/b\r\nACCEPT: c/d', 'a/b, c/d'],
    ['\r\nGET / HTTP/1.1\r\nAccept: a/b\r\n\r\n', ' a/b'],
    ['GET / HTTP/1.1\nHost: x\nAccept: a/b\n\nAccept: c/d', ' a/b'],
    ['GET / HTTP/1.1\r\nAccept: a/b\n\r\nAccept: c/d', ' a/b'],
    ['GET / HTTP/1.1\r\n\r\nAccept: a/b', undefined],
    ['GET /Accept: HTTP/1.1', undefined],
    ['', undefined],
  ])('name a type in %j: %s', (request, accept) => {
    expect(readReplyWishes(Buffer.from(request))).toEqual({ isHead: false, accept });
  });

  it.each(['HEAD / HTTP/1.1\r\n', '\r\nHEAD / HTTP/1.1\r\n', '\nHEAD / HTTP/1.1\n'])(
    'are a reply without content in %j',
    (request) => {
      expect(readReplyWishes(Buffer.from(request)).isHead).toBe(true);
    },
  );
});
