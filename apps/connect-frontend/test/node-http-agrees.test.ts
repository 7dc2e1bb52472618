/** What we accept, an independent parser must accept too, and read the same way: else one of us can be got past. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConnectRequest } from '../src/connect-request.ts';
import { parseRequestHead, type RequestHead } from '@sallyport/tunnel-server';
import { encodeText, HOST } from './heads.ts';

let server: Server;
let port: number;

beforeAll(async () => {
  server = createServer();
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const fields = Object.fromEntries(pairs(request.rawHeaders));
    socket.end(JSON.stringify({ requestTarget: request.url, version: request.httpVersion, fields }));
  });
  server.on('clientError', (_error, socket) => socket.end('rejected'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  port = address.port;
});

afterAll(() => {
  server.close();
});

describe('the request head parser and node:http', () => {
  it('read every CONNECT that we accept the same way', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(requestHeads(), async (text) => {
        const head = acceptedHead(text);
        if (!head) return;
        accepted++;
        const { requestTarget, version } = head;
        const fields = Object.fromEntries(head.fields.map(({ name, value }) => [name, value]));
        expect(JSON.parse(await askNode(text))).toEqual({ requestTarget, version, fields });
      }),
      { numRuns: 1_000 },
    );
    // Without these the comparison would hold of nothing.
    expect(accepted).toBeGreaterThan(100);
  });
});

function acceptedHead(text: string): RequestHead | undefined {
  const result = parseRequestHead(encodeText(text), 4_096);
  if (result.kind !== 'head') return undefined;
  return parseConnectRequest(result.head).kind === 'connect' ? result.head : undefined;
}

/** Mostly right, with every part likely enough to be wrong now and then. */
function requestHeads(): fc.Arbitrary<string> {
  const often = (right: string, ...others: string[]) =>
    fc.oneof({ weight: 12, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
  const character = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const value = fc.string({
    unit: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('a', ' ', '"', '=', '/') },
      { weight: 1, arbitrary: character },
    ),
    maxLength: 12,
  });
  const name = fc.string({ unit: fc.constantFrom('a', 'Z', '-', '_', '!', '~', '1'), minLength: 1, maxLength: 4 });
  const fieldLine = fc.tuple(name, often(': ', ':', ' : ', ':\t', ''), value).map((parts) => `X-${parts.join('')}`);
  return fc
    .tuple(
      often('', '\r\n', '\n', ' '),
      often('CONNECT', 'connect', 'GET', 'CONNECT\t'),
      often(' ', '  ', '\t'),
      often('example.com:443', '[2001:db8::1]:443', '192.0.2.1:80', 'a_b.example:007', 'u@h:1', 'h:0', 'h:443/', '*'),
      often(' HTTP/1.1\r\n', ' HTTP/1.0\r\n', ' HTTP/1.2\r\n', '  HTTP/1.1\r\n', ' HTTP/1.1\n', '\r\n'),
      often(`${HOST}\r\n`, '', `${HOST}\r\n${HOST}\r\n`, 'Host:\r\n', 'Host : a\r\n', 'Host: a\r\n b\r\n'),
      often('', 'Content-Length: 0\r\n', 'Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Upgrade: x\r\n'),
      fc.array(fieldLine, { maxLength: 3 }).map((lines) => lines.map((line) => `${line}\r\n`).join('')),
      often('\r\n', '\n', '\r\n\r\n'),
    )
    .map((parts) => parts.join(''));
}

/** What node:http makes of `text`, as JSON, or that it rejects it. */
async function askNode(text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(encodeText(text));
  return readText(socket);
}

function pairs(rawHeaders: readonly string[]): [string, string][] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? '']] : [],
  );
}
