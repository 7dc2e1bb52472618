import type { Beginning } from './transport.ts';

/** Does a stream begin so, as far as it has come? `undecided` while it may still turn out to. */
export function compareBeginning({ bytes, mask }: Beginning, seen: Uint8Array): 'same' | 'other' | 'undecided' {
  const end = Math.min(bytes.length, seen.length);
  for (let at = 0; at < end; at++) {
    if ((((bytes[at] ?? 0) ^ (seen[at] ?? 0)) & (mask[at] ?? 0)) !== 0) return 'other';
  }
  return end === bytes.length ? 'same' : 'undecided';
}
