/** Formats figures for people, in the terminal and on the status page. It runs in browsers too, so it uses no Node.js API. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** In powers of 1,024: `1.5 KiB`. */
export function bytesText(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${shortNumber(bytes / 1024 ** power)} ${UNITS[power] ?? ''}`;
}

/** Bytes a second, as {@link bytesText}. */
export function rateText(bytesPerSecond: number): string {
  return `${bytesText(bytesPerSecond)}/s`;
}

/** Three digits, or all digits before the decimal point. */
export function shortNumber(value: number): string {
  return value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString('en') : value.toPrecision(2);
}

/** Of events, rounded to tenths: `0.3/s`. */
export function perSecondText(value: number): string {
  return `${shortNumber(Math.round(value * 10) / 10)}/s`;
}

/** All digits, in groups of three: `12,345`. */
export function countText(count: number): string {
  return count.toLocaleString('en');
}

const STEPS = [
  [86_400_000, 'd', 3_600_000, 'h'],
  [3_600_000, 'h', 60_000, 'm'],
  [60_000, 'm', 1_000, 's'],
] as const;

/** The two largest units: `2 h 5 m`. */
export function durationText(ms: number): string {
  for (const [large, largeUnit, small, smallUnit] of STEPS) {
    if (ms < large) continue;
    return `${Math.floor(ms / large)} ${largeUnit} ${Math.floor((ms % large) / small)} ${smallUnit}`;
  }
  return `${Math.floor(ms / 1000)} s`;
}

/** In milliseconds below one second. Undefined: nothing was measured. */
export function secondsText(seconds: number | undefined): string {
  if (seconds === undefined) return 'no data';
  return seconds >= 1 ? `${shortNumber(seconds)} s` : `${shortNumber(seconds * 1000)} ms`;
}

/** @param now the server's time, for the clocks may differ */
export function agoText(moment: string, now: string): string {
  return `${durationText(Math.max(0, Date.parse(now) - Date.parse(moment)))} ago`;
}

/** As `authorityText`, which the page cannot load: this module is served with it. */
export function hostText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
