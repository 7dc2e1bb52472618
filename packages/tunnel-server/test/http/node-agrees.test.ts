/** Held against an independent reader: a message that node's parser accepts and we accept too must mean the same to both. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requestContentForm } from '../../src/http/content-form.ts';
import { openContent } from '../../src/http/open-content.ts';
import { parseRequestHead } from '../../src/http/request-head.ts';

/** What a request is, to whoever reads it. */
interface Reading {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly string[];
  readonly content: string;
}

const server = createServer({ insecureHTTPParser: false, requireHostHeader: false });
let port = 0;

beforeAll(async () => {
  server.on('request', (request: IncomingMessage, response) => {
    void buffer(request).then(
      (content) => {
        const { method = '', url: target = '', rawHeaders: fields } = request;
        response.end(JSON.stringify({ method, target, fields, content: content.toString('latin1') } satisfies Reading));
      },
      () => response.destroy(),
    );
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo); // A TCP server that listens has one.
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
});

it('reads every request that both accept as node does', async () => {
  let both = 0;
  await fc.assert(
    fc.asyncProperty(requests(), async (text) => {
      const ours = readOurs(text);
      if (ours === undefined) return;
      const theirs = await readTheirs(text);
      if (theirs === undefined) return;
      both += 1;
      expect(ours).toEqual(theirs);
    }),
    { numRuns: 500 },
  );
  // Without these the comparison would hold of nothing.
  expect(both).toBeGreaterThan(50);
}, 60_000);

function readOurs(text: string): Reading | undefined {
  const bytes = Buffer.from(text, 'latin1');
  const result = parseRequestHead(bytes, 64 * 1024);
  if (result.kind !== 'head') return undefined;
  const { method, requestTarget: target, fields } = result.head;
  const form = requestContentForm(result.head);
  if (form.kind === 'malformed') return undefined;
  const reader = openContent(form, 'strict');
  const piece = reader?.read(bytes.subarray(result.headBytes));
  if (piece?.kind === 'malformed' || piece?.isWhole === false) return undefined;
  const content = piece === undefined ? '' : Buffer.from(piece.content).toString('latin1');
  return { method, target, fields: fields.flatMap(({ spelling, value }) => [spelling, value]), content };
}

/** Undefined where node refuses it, or waits for more. */
async function readTheirs(text: string): Promise<Reading | undefined> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy()).end(Buffer.from(text, 'latin1'));
  const heard = (await buffer(socket).catch(() => Buffer.alloc(0))).toString('latin1');
  const json = /\r\n\r\n(\{.*\})/.exec(heard)?.[1];
  return json === undefined ? undefined : (JSON.parse(json) as Reading); // As the server above writes it.
}

/** Mostly right, with every part likely enough to be wrong now and then. */
function requests(): fc.Arbitrary<string> {
  const often = (right: string, ...others: string[]) =>
    fc.oneof({ weight: 9, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
  const value = fc.string({ unit: fc.constantFrom('a', ' ', '\t', ',', '"', ';'), maxLength: 6 });
  const line = fc.tuple(often('X: ', 'X:', 'X : ', 'x-\xe9: ', ' ', ':'), value).map((parts) => parts.join(''));
  const body = fc.constantFrom(
    { lines: [], content: '' },
    { lines: ['Content-Length: 3'], content: 'abc' },
    { lines: ['Content-Length: 3'], content: 'ab' },
    { lines: ['Content-Length: 03'], content: 'abc' },
    { lines: ['Content-Length: 3', 'Content-Length: 3'], content: 'abc' },
    { lines: ['Content-Length: 3, 3'], content: 'abc' },
    { lines: ['Transfer-Encoding: chunked'], content: '3\r\nabc\r\n0\r\n\r\n' },
    { lines: ['Transfer-Encoding: Chunked'], content: '1;x=y\r\na\r\n2\r\nbc\r\n0\r\nX: y\r\n\r\n' },
    { lines: ['Transfer-Encoding: chunked'], content: '3\nabc\r\n0\r\n\r\n' },
    { lines: ['Transfer-Encoding: chunked'], content: '4\r\nabc\r\n0\r\n\r\n' },
    { lines: ['Transfer-Encoding: gzip, chunked'], content: '0\r\n\r\n' },
    { lines: ['Transfer-Encoding: chunked', 'Content-Length: 3'], content: 'abc' },
  );
  return fc
    .tuple(
      often('', '\r\n', '\r\n\r\n', '\n', ' '),
      often('POST', 'GET', 'M-SEARCH', 'post', 'PO ST', 'P\x00ST'),
      often(' ', '  ', '\t'),
      often('/a?b', '*', 'http://a/b', '/a b', '/\xe9', '/#x'),
      often(' HTTP/1.1\r\n', ' HTTP/1.0\r\n', ' HTTP/1.2\r\n', ' HTTP/1.1\n', ' http/1.1\r\n'),
      fc.array(line, { maxLength: 2 }),
      body,
      often('\r\n', '\n', '\r'),
    )
    .map(([lead, method, space, target, version, lines, { lines: framing, content }, end]) => {
      const fields = ['Connection: close', ...lines, ...framing].map((field) => `${field}\r\n`).join('');
      return `${lead}${method}${space}${target}${version}${fields}${end}${content}`;
    });
}
