import { getEventListeners, once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { keepRedisLink, type LinkWatcher, type StoreLink } from '../../src/limits/shared/redis-link.ts';

let server: Server;
let ending: AbortController;
afterEach(() => {
  ending.abort();
  server.close();
});

/** Keeps a link to a store that does `onClient` with each connection. What is returned resolves once it is kept no more. */
async function link(
  onClient: (socket: Socket) => void,
  watcher: Partial<LinkWatcher> = {},
): Promise<{ readonly kept: Promise<void> }> {
  server = createServer((socket) => onClient(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ending = new AbortController();
  const { port } = server.address() as AddressInfo; // A TCP server that listens has one.
  const idle = { ready: () => undefined, lost: () => undefined };
  return { kept: keepRedisLink(`redis://127.0.0.1:${port}`, { ...idle, ...watcher }, ending.signal) };
}

/** Answers every command but the script, which is refused as a replica refuses what writes. */
function answerAsReplica(socket: Socket): void {
  socket.on('data', (bytes: Buffer) => {
    const commands = bytes
      .toString('latin1')
      .split(/^\*\d+\r\n/m)
      .slice(1);
    for (const command of commands) socket.write(command.includes('EVALSHA') ? '-READONLY no\r\n' : '+OK\r\n');
  });
}

describe('the link to a store', () => {
  it('leaves nothing behind of a connection that is lost', async () => {
    let attempts = 0;
    await link((socket) => {
      attempts += 1;
      socket.destroy();
    });
    await expect.poll(() => attempts, { timeout: 60_000 }).toBeGreaterThan(4);
    // One of the attempt that is under way, and one of the pause behind it.
    expect(getEventListeners(ending.signal, 'abort').length).toBeLessThanOrEqual(2);
  });

  it('is not made where it is given up while the library is loaded', async () => {
    let connections = 0;
    const { kept } = await link(() => (connections += 1));
    ending.abort();
    await kept;
    expect(connections).toBe(0);
  });

  it('is not ready where it is given up while it is made', async () => {
    let isReady = false;
    const { kept } = await link(
      (socket) => {
        ending.abort();
        answerAsReplica(socket);
      },
      { ready: () => (isReady = true) },
    );
    await kept;
    expect(isReady).toBe(false);
  });

  it('that was dropped for its answers is not lost for another reason as well', async () => {
    const seen: string[] = [];
    const ready = (store: StoreLink): void => {
      void store.run(['key'], ['argument']).catch((cause: unknown) => {
        seen.push(String(cause));
        store.drop();
      });
    };
    await link(answerAsReplica, { ready, lost: (why) => seen.push(why) });
    await expect.poll(() => seen.length, { timeout: 60_000 }).toBeGreaterThan(2);
    expect(new Set(seen)).toEqual(new Set(['Error: READONLY no']));
  });

  it('is made ever more seldom to a store that connects and answers no call', async () => {
    const attempts: number[] = [];
    const ready = (store: StoreLink): void => {
      attempts.push(performance.now());
      void store.run(['key'], ['argument']).catch(() => store.drop());
    };
    await link(answerAsReplica, { ready });
    await expect.poll(() => attempts.length, { timeout: 60_000 }).toBe(5);
    // Pauses of 200, 400, 800 and 1,600 ms: at the shortest pause it would be 400 ms in all.
    expect((attempts[4] ?? 0) - (attempts[0] ?? 0)).toBeGreaterThan(2_900);
  });
});
