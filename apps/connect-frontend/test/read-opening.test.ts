import type { Socket } from 'node:net';
import type { Leg, ReadResult } from '@sallyport/tunnel-splice';
import { describe, expect, it } from 'vitest';
import { readOpening, type Opening } from '../src/read-opening.ts';
import { useConnections } from '../../../packages/tunnel-server/test/connections.ts';
import { limits, type Bounds } from './reading.ts';
import { encodeHead, encodeText, HOST } from './heads.ts';
import { growthOfAwaited, LINEAR } from '../../../test/growth-of-time.ts';

const CONNECT = encodeHead('CONNECT example.com:443 HTTP/1.1', HOST);
const TLS_HELLO = Buffer.from([22, 3, 1, 0, 5, 1, 0, 0, 1, 3]);
const NOTHING = new Uint8Array();

const openConnection = useConnections();

describe('readOpening', () => {
  it('reads a request head', async () => {
    const opening = await openingAfter(CONNECT);
    expect(opening).toMatchObject({ kind: 'request', head: { method: 'CONNECT', requestTarget: 'example.com:443' } });
    expect(earlyBytesOf(opening)).toHaveLength(0);
  });

  it('hands over what came behind the head, to the byte', async () => {
    const early = Buffer.from([22, 3, 1, 0, 0, 13, 10, 13, 10]);
    expect(earlyBytesOf(await openingAfter(Buffer.concat([CONNECT, early])))).toEqual(early);
  });

  it('does not keep the head alive for the sake of the bytes behind it', async () => {
    const opening = await openingAfter(Buffer.concat([CONNECT, encodeText('early')]));
    expect(opening.kind === 'request' && opening.earlyBytes.buffer.byteLength).toBe(5);
  });

  it('leaves in the leg what came behind the limit', async () => {
    const { peer, leg } = await openConnection();
    peer.write(Buffer.concat([CONNECT.subarray(9), encodeText('early')]));
    const opening = await readOpening(leg, limits({ prereadLimitBytes: CONNECT.length + 2 }), CONNECT.subarray(0, 9));
    const rest = await leg.read(1_024, limits().deadline);
    expect(`${earlyBytesOf(opening).toString()}|${Buffer.from(rest).toString()}`).toBe('ea|rly');
  });

  it('reads a head that drips in byte by byte', async () => {
    const { peer, leg } = await openConnection();
    const opening = readOpening(leg, limits(), NOTHING);
    for (const byte of CONNECT) {
      peer.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    expect((await opening).kind).toBe('request');
  });

  it('takes linear time over a head that drips in byte by byte', async () => {
    const read = async (size: number): Promise<void> => {
      const bytes = encodeHead('CONNECT a:443 HTTP/1.1', HOST, `X-Pad: ${'x'.repeat(size)}`);
      const opening = await readOpening(new DrippingLeg(bytes), limits({ prereadLimitBytes: bytes.length }), NOTHING);
      expect(opening.kind).toBe('request');
    };
    expect(await growthOfAwaited(read, 64 * 1024)).toBeLessThan(LINEAR);
  });

  it('goes on in the middle of a head that another door began to read', async () => {
    const { peer, leg } = await openConnection();
    peer.write(CONNECT.subarray(9));
    expect((await readOpening(leg, limits(), CONNECT.subarray(0, 9))).kind).toBe('request');
  });

  it('asks for nothing more when another door has read the whole head', async () => {
    const { leg } = await openConnection();
    const opening = await readOpening(leg, limits(), Buffer.concat([CONNECT, encodeText('early')]));
    expect(earlyBytesOf(opening).toString()).toBe('early');
  });

  it('passes a head of exactly the limit', async () => {
    expect((await openingAfter(CONNECT, { prereadLimitBytes: CONNECT.length })).kind).toBe('request');
  });

  it('stops at the limit when the head is one byte longer', async () => {
    const opening = await openingAfter(CONNECT, { prereadLimitBytes: CONNECT.length - 1 });
    expect(opening).toEqual({ kind: 'too-large', bytes: new Uint8Array(CONNECT.subarray(0, -1)) });
  });

  it.each([
    { what: 'a TLS hello', hello: TLS_HELLO },
    { what: 'the first byte of one', hello: TLS_HELLO.subarray(0, 1) },
    { what: 'an SSL 2.0 hello', hello: Buffer.from([0x80, 0x2e, 1, 3, 1, 0, 0x15]) },
  ])('knows $what, and gives all that was read of it', async ({ hello }) => {
    const opening = await openingAfter(hello);
    expect(opening.kind === 'tls' && Buffer.from(opening.bytes)).toEqual(hello);
  });

  it('knows an SSL 2.0 hello that comes in two pieces', async () => {
    const { peer, leg } = await openConnection();
    const opening = readOpening(leg, limits(), Buffer.from([0x80, 0x2e]));
    peer.write(Buffer.from([1, 3, 1]));
    expect((await opening).kind).toBe('tls');
  });

  it('is done with a malformed head before it is whole', async () => {
    const bytes = new Uint8Array(encodeText('CONNECT a:443 HTTP/1.1\n'));
    expect(await openingAfter(bytes)).toEqual({ kind: 'malformed', why: 'the head has a bare LF', bytes });
  });

  it.each([
    { what: 'silent', sent: NOTHING },
    { what: 'slow', sent: CONNECT.subarray(0, 1) },
  ])('waits no longer than the deadline for a client that is $what', async ({ sent }) => {
    expect(await openingAfter(sent, { deadlineInMs: 100 })).toEqual({ kind: 'timed-out', bytes: new Uint8Array(sent) });
  });

  it('does not take a client for silent that another door has heard', async () => {
    const { leg } = await openConnection();
    const heard = CONNECT.subarray(0, 1);
    const opening = await readOpening(leg, limits({ deadlineInMs: 50 }), heard);
    expect(opening).toEqual({ kind: 'timed-out', bytes: heard });
  });

  it.each([
    { what: 'ends', how: 'end', leave: (peer: Socket) => peer.end() },
    { what: 'resets', how: 'reset', leave: (peer: Socket) => peer.resetAndDestroy() },
  ])('takes a client that $what before its head is whole for one that left', async ({ how, leave }) => {
    const { peer, leg } = await openConnection();
    peer.write(CONNECT.subarray(0, 20));
    await heard(leg);
    const opening = readOpening(leg, limits(), CONNECT.subarray(0, 20));
    leave(peer);
    expect(await opening).toEqual({ kind: 'left', how, bytes: CONNECT.subarray(0, 20) });
  });
});

/** A client that says one byte at a time, faster than any peer. */
class DrippingLeg implements Leg {
  readonly remote = { host: '127.0.0.1', port: 1 };
  readonly local = { host: '127.0.0.1', port: 2 };
  readonly bornAt = 0;
  putBack = (): void => undefined;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(): Promise<ReadResult> {
    const byte = this.#bytes[this.#at++];
    return Promise.resolve(byte === undefined ? 'end' : Uint8Array.of(byte));
  }

  write(): void {
    expect.fail('nothing is said before the head is whole');
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    expect.fail('a leg is closed in refuse alone');
  }

  reset(): void {
    expect.fail('a leg is never reset here');
  }

  whenGone(): () => void {
    return () => undefined;
  }
}

async function openingAfter(sent: Uint8Array, bounds: Bounds = {}): Promise<Opening> {
  const { peer, leg } = await openConnection();
  if (sent.length > 0) peer.write(sent);
  return readOpening(leg, limits(bounds), NOTHING);
}

function earlyBytesOf(opening: Opening): Buffer {
  if (opening.kind !== 'request') throw new Error(`no request: ${opening.kind}`);
  return Buffer.from(opening.earlyBytes);
}

async function heard(leg: Leg): Promise<void> {
  await leg.read(1_024, limits().deadline);
}
