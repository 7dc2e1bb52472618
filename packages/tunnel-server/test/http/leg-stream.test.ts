import { once } from 'node:events';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { LegStream } from '../../src/http/leg-stream.ts';
import { useConnections } from './connection.ts';

const MIB = 1024 * 1024;
const openConnection = useConnections();

describe('a leg as a stream', () => {
  it('reads first what was read before, then what comes, up to the FIN', async () => {
    const { leg, peer } = await openConnection();
    const connection = new LegStream(leg, Buffer.from('before '));
    peer.end('and after');
    expect((await buffer(connection.stream)).toString()).toBe('before and after');
    expect(connection).toMatchObject({ bytesRead: 16, departure: 'end', isOver: true });
  });

  it('writes all, and FIN when it ends', async () => {
    const { leg, peer } = await openConnection();
    const connection = new LegStream(leg);
    const bytes = Buffer.alloc(4 * MIB, 'sallyport');
    connection.stream.end(bytes);
    expect((await buffer(peer)).equals(bytes)).toBe(true);
    expect(connection.bytesWritten).toBe(bytes.length);
  });

  it('holds a writer back while the peer reads nothing', async () => {
    const { leg, peer } = await openConnection();
    const { stream } = new LegStream(leg);
    peer.pause();
    let writtenBytes = 0;
    while (stream.write(Buffer.alloc(MIB)) || (await drainsWithin(stream, 300))) writtenBytes += MIB;
    // The kernel's buffers take a few MiB on either side; what is here would grow without end.
    expect(writtenBytes).toBeLessThan(32 * MIB);
    peer.destroy();
  });

  it('holds the peer back while nobody reads', async () => {
    const { leg, peer } = await openConnection();
    const connection = new LegStream(leg);
    connection.stream.read(0);
    let sentBytes = 0;
    while (peer.write(Buffer.alloc(MIB)) || (await drainsWithin(peer, 300))) sentBytes += MIB;
    expect(sentBytes).toBeLessThan(32 * MIB);
    expect(connection.bytesRead).toBeLessThan(MIB);
  });

  it('reads nothing while it is held, and all of it afterwards', async () => {
    const { leg, peer } = await openConnection();
    const connection = new LegStream(leg);
    connection.hold();
    const all = buffer(connection.stream);
    peer.end('waited for');
    await new Promise<void>((resolve) => leg.whenGone(() => resolve()));
    expect(connection.bytesRead).toBe(0);
    connection.resume();
    expect((await all).toString()).toBe('waited for');
  });

  it('fails when the peer resets', async () => {
    const { leg, peer } = await openConnection();
    const connection = new LegStream(leg);
    connection.stream.resume();
    const failed = once(connection.stream, 'error');
    peer.resetAndDestroy();
    await failed;
    expect(connection.departure).toBe('reset');
  });

  it.each([
    { error: new Error('cut short'), heard: 'reset' },
    { error: undefined, heard: 'end' },
  ])('is heard as $heard when it is destroyed with $error', async ({ error, heard }) => {
    const { leg, peer } = await openConnection();
    const departure = departureOf(peer);
    new LegStream(leg).stream.destroy(error);
    expect(await departure).toBe(heard);
  });

  it('moves whenever a byte does', async () => {
    const { leg, peer } = await openConnection();
    const connection = new LegStream(leg);
    const atFirst = connection.lastMoveAt;
    peer.write('x');
    await once(connection.stream, 'data');
    const afterRead = connection.lastMoveAt;
    connection.stream.write('y');
    expect(afterRead).toBeGreaterThan(atFirst);
    expect(connection.lastMoveAt).toBeGreaterThan(afterRead);
  });
});

describe('a leg that is handed back', () => {
  it('comes with what nobody got, and is left alone by its stream', async () => {
    const { leg, peer } = await openConnection();
    const connection = new LegStream(leg, Buffer.from('unread'));
    expect((await connection.handBack()).toString()).toBe('unread');
    connection.stream.destroy();
    expect(connection.isOver).toBe(true);
    leg.write(Buffer.from('still here'));
    leg.close();
    expect((await buffer(peer)).toString()).toBe('still here');
  });
});

function departureOf(peer: Socket): Promise<'end' | 'reset'> {
  peer.resume();
  return new Promise((resolve) => {
    peer.once('end', () => resolve('end')).once('error', () => resolve('reset'));
  });
}

async function drainsWithin(stream: NodeJS.EventEmitter, ms: number): Promise<boolean> {
  const signal = AbortSignal.timeout(ms);
  return once(stream, 'drain', { signal }).then(
    () => true,
    () => false,
  );
}
