import type { Beginning } from './transport.ts';

/** Does a stream begin like this, as far as it was received? `undecided` while it still may. */
export function compareBeginning({ bytes, mask }: Beginning, seen: Uint8Array): 'same' | 'other' | 'undecided' {
  const end = Math.min(bytes.length, seen.length);
  for (let at = 0; at < end; at++) {
    if ((((bytes[at] ?? 0) ^ (seen[at] ?? 0)) & (mask[at] ?? 0)) !== 0) return 'other';
  }
  return end === bytes.length ? 'same' : 'undecided';
}
