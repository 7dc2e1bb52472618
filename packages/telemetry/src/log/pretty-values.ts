/** Times and sizes in a form for people, each of a fixed width. */

/** Local time, in place of the ISO 8601 of a line. */
export function timeText(iso: string): string {
  const time = new Date(iso);
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${day} ${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** At most ten characters wide: `1023.9 KiB`. */
export function bytesText(bytes: unknown): string {
  if (typeof bytes !== 'number') return '-'.padStart(BYTES_WIDTH);
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; unit += 1) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`.padStart(BYTES_WIDTH);
}

/** With milliseconds, and at most two units. */
export function durationText(ms: unknown): string {
  if (typeof ms !== 'number') return '-'.padStart(DURATION_WIDTH);
  return spellDuration(ms).padStart(DURATION_WIDTH);
}

function spellDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} m ${Math.floor(ms / 1000) % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const BYTES_WIDTH = '1023.9 KiB'.length;
const DURATION_WIDTH = '59 m 59 s'.length;
