import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrereadBuffer } from '../src/preread-buffer.ts';

describe('PrereadBuffer', () => {
  it('holds every byte in the order in which the pieces came', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (pieces) => {
        const preread = new PrereadBuffer(new Uint8Array());
        for (const piece of pieces) preread.append(piece);
        expect(Buffer.from(preread.bytes)).toEqual(Buffer.concat(pieces));
      }),
    );
  });

  it('never writes into a piece that it was given', () => {
    const first = Buffer.from('first|spare').subarray(0, 6);
    const preread = new PrereadBuffer(first);
    preread.append(Buffer.from('again'));
    expect(first.buffer).not.toBe(preread.bytes.buffer);
    expect(Buffer.from(preread.bytes).toString()).toBe('first|again');
  });

  it('does not copy a head that comes in one piece', () => {
    const chunk = Buffer.from('CONNECT');
    const preread = new PrereadBuffer(new Uint8Array());
    preread.append(chunk);
    expect(preread.bytes.buffer).toBe(chunk.buffer);
  });

  it('moves its bytes seventeen times at most when 64 KiB drip in one by one', () => {
    const preread = new PrereadBuffer(new Uint8Array());
    const storages = new Set<ArrayBufferLike>();
    for (let count = 0; count < 64 * 1024; count++) {
      preread.append(Uint8Array.of(count));
      storages.add(preread.bytes.buffer);
    }
    expect(storages.size).toBeLessThanOrEqual(17);
  });
});
