/** What a dial gives back that was to join. */
import type { DialResult, Leg } from '../../src/index.ts';

export function legOf(result: DialResult): Leg {
  if (result.kind !== 'connected') throw new Error(`the dial was ${result.kind}`);
  return result.leg;
}

/** The next `length` bytes, as text. */
export async function reads(leg: Leg, length: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (let left = length; left > 0; left -= chunks.at(-1)?.length ?? 0) {
    const result = await leg.read(left, Infinity);
    if (typeof result === 'string') throw new Error(result);
    chunks.push(result);
  }
  return Buffer.concat(chunks).toString();
}
