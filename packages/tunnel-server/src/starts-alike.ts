/** Whether the bytes behind `start` may become those of `expected`. Compares as many as there are. */
export function startsAlike(bytes: Uint8Array, expected: Uint8Array, start = 0): boolean {
  const length = Math.min(bytes.length - start, expected.length);
  for (let at = 0; at < length; at++) if (bytes[start + at] !== expected[at]) return false;
  return true;
}
