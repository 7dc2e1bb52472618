import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ConnectReply, ConnectReplyScan } from '../../src/egress/connect-reply.ts';
import type { NeedMore } from '../../src/preread.ts';

const read = (text: string): ConnectReply | NeedMore => new ConnectReplyScan().look(Buffer.from(text, 'latin1'));

describe('the answer to CONNECT', () => {
  it.each([
    ['HTTP/1.1 200 OK\r\n\r\n', ''],
    ['HTTP/1.0 200\r\n\r\n', 'SSH-2.0-x\r\n'],
    ['HTTP/1.1 200 \r\n\r\n', ''],
    ['HTTP/1.2 200 OK\r\n\r\n', ''],
    ['HTTP/1.1  200\tOK\r\n\r\n', ''],
    ['HTTP/1.1 299 Any\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n', 'x'],
    ['HTTP/1.1 200 OK\nServer: x\n\n', '\n\n'],
    ['HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n', ''],
    ['HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', 'y'],
    ['\r\nHTTP/1.1 200 OK\r\n\r\n', '\r\n'],
    ['\nHTTP/1.1 100 C\r\n\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', ''],
  ])('%j opens the tunnel', (head, behind) => {
    expect(read(head + behind)).toEqual({ kind: 'opened', headBytes: head.length });
  });

  it.each([
    ['HTTP/1.1 300 M\r\n\r\n', 300],
    ['HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic\r\n\r\nbody', 407],
    ['HTTP/1.0 599\n\n', 599],
    ['HTTP/1.1 999 No\r\n\r\n', 999],
    ['HTTP/1.1 100 C\r\n\r\nHTTP/1.1 403 No\r\n\r\n', 403],
  ])('%j is a no', (text, status) => {
    expect(read(text)).toEqual({ kind: 'refused', status });
  });

  it.each([
    'HTTP/2 200 OK\r\n\r\n',
    'http/1.1 200 OK\r\n\r\n',
    '\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    '\rHTTP/1.1 200 OK\r\n\r\n',
    ' HTTP/1.1 200 OK\r\n\r\n',
    'SSH-2.0-x\r\n',
    'HTTP/1.1 200OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 099 OK\r\n\r\n',
    'HTTP/1.1 +20 OK\r\n\r\n',
    'HTTP/1.1 101 Switching\r\n\r\n',
    'HTTP/1.1 200 O\0K\r\n\r\n',
    'HTTP/1.1 100 C\r\n\r\nHTTP/1.1 2x0\r\n\r\n',
    'HTTP/1.1 100 C\r\n\r\nnonsense',
  ])('%j is no answer', (text) => {
    expect(read(text)).toMatchObject({ kind: 'malformed' });
  });

  const pieces = fc.array(
    fc.constantFrom(
      'HTTP/1.1 100 C\r\n\r\n',
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.0 403\n',
      'A: b\r\n',
      '\r\n',
      '\n',
      '\r',
      '\0',
      'x',
    ),
    { maxLength: 12 },
  );

  it('comes to the same in pieces as whole', () => {
    fc.assert(
      fc.property(pieces, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (texts, steps) => {
        const bytes = Buffer.from(texts.join(''), 'latin1');
        const scan = new ConnectReplyScan();
        let found = scan.look(bytes.subarray(0, 0));
        for (let length = 0, turn = 0; found.kind === 'need-more' && length < bytes.length; turn++) {
          expect(found.atLeastBytes).toBe(length + 1);
          length = Math.min(bytes.length, length + (steps[turn % steps.length] ?? 1));
          found = scan.look(bytes.subarray(0, length));
        }
        expect(found).toEqual(read(bytes.toString('latin1')));
      }),
      { numRuns: 2_000 },
    );
  });
});
