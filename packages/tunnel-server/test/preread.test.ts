import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prereadUntil } from '../src/preread.ts';
import { deadlineIn, useConnections } from './connections.ts';

const openConnection = useConnections();
const NOTHING = new Uint8Array();

/** A scan that is content with so many bytes. */
const wants = (count: number) => (bytes: Uint8Array) =>
  bytes.length >= count ? ({ kind: 'enough' } as const) : ({ kind: 'need-more', atLeastBytes: count } as const);

it('returns every byte it has read, those that were read before it included', async () => {
  const { leg: client, peer } = await openConnection();
  peer.write('world');

  const { found, bytes } = await prereadUntil(
    client,
    { prereadLimitBytes: 100, deadline: deadlineIn() },
    Buffer.from('hello '),
    wants(11),
  );

  expect(found).toEqual({ kind: 'enough' });
  expect(Buffer.from(bytes).toString()).toBe('hello world');
});

it('reads nothing when what was read before will do', async () => {
  const { leg: client } = await openConnection();
  const alreadyRead = Buffer.from('enough');

  const { found, bytes } = await prereadUntil(
    client,
    { prereadLimitBytes: 100, deadline: deadlineIn(0) },
    alreadyRead,
    wants(6),
  );

  expect(found).toEqual({ kind: 'enough' });
  expect(bytes).toEqual(alreadyRead);
});

it('shows the scan all bytes so far, in however many pieces they come', async () => {
  const { leg: client, peer } = await openConnection();
  const sent = Buffer.from(Array.from({ length: 300 }, (_, index) => index & 0xff));
  let shown = 0;
  peer.write(sent.subarray(0, 7));

  const { bytes } = await prereadUntil(client, { prereadLimitBytes: 300, deadline: deadlineIn() }, NOTHING, (soFar) => {
    expect(Buffer.from(soFar)).toEqual(sent.subarray(0, soFar.length));
    // The next piece leaves only when the one before has arrived.
    shown = soFar.length;
    if (shown === sent.length) return { kind: 'enough' } as const;
    peer.write(sent.subarray(shown, shown + 7));
    return { kind: 'need-more', atLeastBytes: shown + 1 } as const;
  });

  expect(Buffer.from(bytes)).toEqual(sent);
});

describe('the limit', () => {
  it('is never read past, and the rest is left for whoever comes next', async () => {
    const counts = fc.record({ sent: fc.integer({ min: 1, max: 400 }), limit: fc.integer({ min: 1, max: 200 }) });
    await fc.assert(
      fc.asyncProperty(counts, async ({ sent, limit }) => {
        const { leg: client, peer } = await openConnection();
        peer.end(Buffer.alloc(sent, 'x'));
        const limits = { prereadLimitBytes: limit, deadline: deadlineIn() };

        const { found, bytes } = await prereadUntil(client, limits, NOTHING, (soFar) => wants(soFar.length + 1)(soFar));

        expect(found.kind).toBe(sent >= limit ? 'too-large' : 'left');
        expect(bytes.length).toBe(Math.min(sent, limit));
        let rest = 0;
        for (
          let more = await client.read(1000, deadlineIn());
          more !== 'end';
          more = await client.read(1000, deadlineIn())
        ) {
          rest += more.length;
        }
        expect(bytes.length + rest).toBe(sent);
        client.close();
      }),
      { numRuns: 40 },
    );
  });

  it('counts all pieces together', async () => {
    const { leg: client, peer } = await openConnection();
    peer.write(Buffer.alloc(60, 'a'));
    const limits = { prereadLimitBytes: 100, deadline: deadlineIn() };

    const { bytes } = await prereadUntil(client, limits, NOTHING, (soFar) => {
      // The second piece leaves only when the first has been read.
      if (soFar.length === 60) peer.write(Buffer.alloc(60, 'b'));
      return wants(soFar.length + 1)(soFar);
    });

    expect(Buffer.from(bytes).toString()).toBe('a'.repeat(60) + 'b'.repeat(40));
  });

  it('is found too small as soon as the scan knows, before those bytes have come', async () => {
    const { leg: client, peer } = await openConnection();
    peer.write('x');
    const limits = { prereadLimitBytes: 100, deadline: deadlineIn() };
    expect(await prereadUntil(client, limits, NOTHING, wants(101))).toMatchObject({ found: { kind: 'too-large' } });
  });
});

it('gives up at the deadline, with what came until then', async () => {
  const { leg: client, peer } = await openConnection();
  peer.write('abc');

  const limits = { prereadLimitBytes: 100, deadline: deadlineIn(200) };
  const { found, bytes } = await prereadUntil(client, limits, NOTHING, wants(10));

  expect(found).toEqual({ kind: 'timed-out' });
  expect(Buffer.from(bytes).toString()).toBe('abc');
});

it.each(['FIN', 'RST'])('gives up when the client leaves with a %s', async (how) => {
  const { leg: client, peer } = await openConnection();
  if (how === 'FIN') peer.end();
  else peer.resetAndDestroy();

  const limits = { prereadLimitBytes: 100, deadline: deadlineIn() };
  expect(await prereadUntil(client, limits, NOTHING, wants(10))).toMatchObject({ found: { kind: 'left' } });
});
