/** Keep-alive times for the kernel, in whole seconds. */

/** Rounded down, or the kernel would be late. 0 leaves it to the kernel. */
export function wholeSeconds(keepAliveMs: number | undefined): number {
  return keepAliveMs === undefined || keepAliveMs === Infinity ? 0 : Math.max(1, Math.floor(keepAliveMs / 1000));
}
