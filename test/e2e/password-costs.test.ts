/** What comparing passwords costs those who do not guess any: a good password is compared once, and guesses wait for each other. */
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { echoOrigin, openClient, type Origin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

/** A cost at which a comparison is well told from none: some 60 ms on the machines of today. */
const COST = 10;
const ALICE = 'alice:secret';
const BOB = 'bob:open';

let echo: Origin;
let proxy: Running;

beforeAll(async () => {
  echo = await echoOrigin();
  const users = `alice:${hashSync('secret', COST)}\nbob:${hashSync('open', 4)}\n`;
  proxy = await startSallyport(configText({ explicit: ['auth: { users_file: users.htpasswd }'] }), {
    files: { 'users.htpasswd': users },
  });
});

afterAll(async () => {
  await proxy.stop();
  echo.close();
});

const requestOf = (credentials: string): string =>
  `CONNECT 127.0.0.1:${echo.port} HTTP/1.1\r\nProxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n\r\n`;

/** The status line for these credentials; the connection is dropped. */
async function statusOf(credentials: string): Promise<string> {
  const client = await openClient(proxy.port('explicit'));
  client.socket.write(requestOf(credentials));
  const reply = await client.hears('\r\n\r\n');
  client.socket.destroy();
  return reply.toString('latin1').split('\r\n', 1)[0] ?? '';
}

/** The whole refusal of a guess that comes from another address of this machine. */
async function guess(password: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: proxy.port('explicit'), localAddress: '127.0.0.2' });
  socket.write(requestOf(`alice:${password}`));
  return (await buffer(socket)).toString('latin1');
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

it('compares a good password once: a thousand requests more take less than a hundred comparisons', async () => {
  const comparisonMs = await took(() => statusOf('alice:guess'));
  expect(await statusOf(ALICE)).toContain('200');
  const thousandMs = await took(async () => {
    for (let round = 0; round < 100; round++) {
      const statuses = await Promise.all(Array.from({ length: 10 }, () => statusOf(ALICE)));
      expect(statuses.every((status) => status.includes('200'))).toBe(true);
    }
  });
  expect(thousandMs).toBeLessThan(100 * comparisonMs);
});

it('serves honest clients while another address guesses passwords', async () => {
  const flood = Promise.all(Array.from({ length: 100 }, (_, number) => guess(`guess-${number}`)));
  const startedAt = performance.now();
  // Its password was never compared before: it waits for the one under way and one more, not for them all.
  expect(await statusOf(BOB)).toContain('200');
  const firstMs = performance.now() - startedAt;
  expect(await statusOf(BOB)).toContain('200');
  const replies = await flood;
  expect(replies.every((reply) => reply.startsWith('HTTP/1.1 407 '))).toBe(true);
  expect(firstMs).toBeLessThan((performance.now() - startedAt) / 3);
});
