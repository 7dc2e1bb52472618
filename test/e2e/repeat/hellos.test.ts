/** Hellos that are alike, of which the native engine repeats what was decided for one. */
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { record } from '../../../packages/resolver/test/fake-name-server.ts';
import { makeCertificates } from '../harness/certificates.ts';
import { openClient, type Origin, tcpOrigin } from '../harness/peers.ts';
import { helloRetryRequest, modernHello } from '../harness/retry.ts';
import { freshHello, keepVisiting, RANDOM, repeatedAt, visit, wordOrigin } from '../harness/visits.ts';
import {
  closeAll,
  closers,
  fileFor,
  isSoonRepeated,
  nameServer,
  open,
  originPair,
  start,
  tunnelsIn,
  untilRepeated,
  withServer,
  wordAt,
} from './repeats.ts';

afterEach(closeAll);

/** Passes everything on to another port, as a port mapping does. */
async function mapping(to: () => number): Promise<Origin & { readonly arrivals: () => number }> {
  let arrivals = 0;
  const origin = await tcpOrigin((socket) => {
    arrivals += 1;
    const onward = connect({ port: to(), host: '127.0.0.1', allowHalfOpen: true });
    socket.pipe(onward).pipe(socket);
    socket.on('error', () => onward.destroy()).on('close', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  });
  return { ...origin, arrivals: () => arrivals };
}

describe('hellos that are alike', () => {
  const host = 'origin.test';

  it.each([
    [1, 3.5],
    [6, 4.5],
  ])('are refused as a loop where they come back, %s at a time', async (atATime, mostRounds) => {
    const origin = await open(wordOrigin('one'));
    let leadsTo = origin.port;
    const mapped = await open(mapping(() => leadsTo));
    const proxy = await start(fileFor(mapped.port));
    const wish = { door: 'transparent', host, port: 0 } as const;
    let heard: string[] = [];
    const traffic = keepVisiting(atATime, async () => heard.push(await visit(proxy, wish)));
    await untilRepeated(proxy, 'transparent');
    await traffic.stop();
    expect(new Set(heard)).toEqual(new Set(['one']));
    heard = [];
    const before = mapped.arrivals();
    leadsTo = proxy.port('transparent');
    const looping = keepVisiting(atATime, async () => heard.push(await visit(proxy, wish)));
    await expect.poll(() => heard.length, { interval: 5 }).toBeGreaterThanOrEqual(1_000);
    await looping.stop();
    expect(new Set(heard)).toEqual(new Set(['alert 80']));
    await proxy.tunnel({ reason: 'loop', outcome: 'refused' });
    // Three by the usual way. Those that are up before the first is found to be in a loop go round more often.
    expect((mapped.arrivals() - before) / heard.length).toBeLessThan(mostRounds);
  });

  it('are served where the origin asks for a second hello', async () => {
    const { cert, key } = makeCertificates([host]);
    const server = createTlsServer({ cert, key, ecdhCurve: 'P-384' }, (socket) => socket.end('one'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    const { port } = server.address() as AddressInfo; // A TCP server that listens has one.
    const proxy = await start(fileFor(port));
    for (let client = 0; client < 60; client += 1) {
      // Its one key share is for the first, so that the server has to ask for another.
      const socket = connectTls({
        port: proxy.port('transparent'),
        host: '127.0.0.1',
        servername: host,
        ...TWO_GROUPS,
      });
      socket.on('error', () => undefined);
      expect(await text(socket)).toBe('one');
    }
    await expect.poll(() => tunnelsIn(proxy.lines).length).toBe(60);
    expect(new Set(tunnelsIn(proxy.lines).map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
  });

  it('lead to no address that was another answer before, however long it takes to answer', async () => {
    const delayMs = 30;
    const origin = await open(originPair(delayMs));
    let address = '127.0.0.1';
    const names = await nameServer(({ name, type }) => ({
      answers: type === 'A' ? [record('A', name, address, 1)] : [],
    }));
    const proxy = await start(withServer(fileFor(origin.port), names));
    const wish = { door: 'transparent', host: 'name.test', port: 0 } as const;
    // What comes in two pieces is decided anew, and may have been decided before the last answer when it comes up.
    const usual = keepVisiting(4, async () => {
      const client = await openClient(proxy.port('transparent'));
      const hello = freshHello(wish.host);
      for (const piece of [hello.subarray(0, 9), hello.subarray(9)])
        await new Promise((sent) => client.socket.write(piece, sent));
      await client.ended();
      client.socket.end();
    });
    let heardLast = '';
    let flips = 0;
    const wrong: string[] = [];
    const traffic = keepVisiting(4, async () => {
      const before = { heardLast, flips };
      const word = await visit(proxy, wish);
      if (before.flips !== flips) return;
      if (before.heardLast === wordAt(address) && word !== before.heardLast) wrong.push(word);
      heardLast = word;
    });
    for (; flips < 8; flips += 1) {
      address = flips % 2 === 0 ? '127.0.0.2' : '127.0.0.1';
      await expect.poll(() => heardLast, { interval: 5 }).toBe(wordAt(address));
      await isSoonRepeated(proxy, 'transparent');
    }
    await Promise.all([usual.stop(), traffic.stop()]);
    expect(wrong).toEqual([]);
    expect(await repeatedAt(proxy, 'transparent')).toBeGreaterThan(0);
  });

  it('are followed by no other name where the origin asks for a second one', async () => {
    let isAsking = false;
    let said = '';
    const origin = await open(
      tcpOrigin((socket) =>
        socket.on('data', (chunk) => {
          said += chunk.toString('latin1');
          if (isAsking) socket.write(helloRetryRequest);
          else socket.end('one');
        }),
      ),
    );
    const proxy = await start(fileFor(origin.port));
    const fresh = (): Buffer => randomFillSync(modernHello(host), RANDOM.at, RANDOM.length);
    const traffic = keepVisiting(2, async () => {
      const client = await openClient(proxy.port('transparent'));
      client.socket.write(fresh());
      await client.ended();
      client.socket.end();
    });
    await untilRepeated(proxy, 'transparent');
    await traffic.stop();
    isAsking = true;
    for (let number = 0; number < 3; number += 1) {
      const client = await openClient(proxy.port('transparent'));
      client.socket.write(fresh());
      await client.hears(helloRetryRequest.length);
      client.socket.write(modernHello('evil.test'));
      const { bytes } = await client.ended();
      expect(bytes.subarray(helloRetryRequest.length)).toEqual(Buffer.of(21, 3, 3, 0, 2, 2, 49));
    }
    expect(said).not.toContain('evil.test');
  });

  it('have one line each where the origin is slow to answer', async () => {
    let delayMs = 0;
    const origin = await open(
      tcpOrigin((socket) =>
        socket.once('data', () => setTimeout(() => socket.end('one'), delayMs)).on('end', () => undefined),
      ),
    );
    const proxy = await start(fileFor(origin.port));
    const wish = { door: 'transparent', host, port: 0 } as const;
    const heard: string[] = [];
    const traffic = keepVisiting(4, async () => heard.push(await visit(proxy, wish)));
    await untilRepeated(proxy, 'transparent');
    delayMs = 150;
    const before = heard.length;
    await expect.poll(() => heard.length, { interval: 5 }).toBeGreaterThan(before + 60);
    await traffic.stop();
    expect(new Set(heard)).toEqual(new Set(['one']));
    await expect.poll(() => tunnelsIn(proxy.lines).length).toBe(heard.length);
    const ends = new Set(
      tunnelsIn(proxy.lines).map(({ outcome, bytes_down }) => `${String(outcome)} ${String(bytes_down)}`),
    );
    expect(ends).toEqual(new Set(['ok 3']));
  });
});

const TWO_GROUPS = { ecdhCurve: 'X25519:P-384', rejectUnauthorized: false, minVersion: 'TLSv1.3' } as const;
