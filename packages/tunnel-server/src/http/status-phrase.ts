/** The standard reason phrase of a status (RFC 9110 §15). */
import { loadHttp } from '@sallyport/telemetry';

const { STATUS_CODES } = loadHttp();

/** Empty for a status that has none. */
export function statusPhrase(status: number): string {
  return STATUS_CODES[status] ?? '';
}
