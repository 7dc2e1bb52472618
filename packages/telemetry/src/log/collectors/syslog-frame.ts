/** A line as a syslog message (RFC 5424), framed by its length (RFC 6587 §3.4.1). */
import { hostname } from 'node:os';
import { parseCollected } from './collected-line.ts';

/** @param json the line, which is the message unchanged */
export function syslogFrame(json: string): Buffer {
  const { level, time, seq, msg } = parseCollected(json);
  const priority = 8 * DAEMON + (SEVERITIES[level] ?? SEVERITIES.info);
  // sequenceId ends at 2^31 - 1, and begins at 1 again (§7.3.1).
  const sequenceId = ((seq - 1) % MOST_SEQUENCE_ID) + 1;
  const messageId = /^[a-z]{1,32}$/.test(msg) ? msg : '-';
  const header = `<${priority}>1 ${time} ${HOST} sallyport ${process.pid} ${messageId} [meta sequenceId="${sequenceId}"]`;
  const message = Buffer.from(`${header} ${json}`);
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

/** Facility and severities (§6.2.1). */
const DAEMON = 3;
const SEVERITIES: Readonly<Record<string, number>> & { readonly info: number } = {
  trace: 7,
  debug: 7,
  info: 6,
  warn: 4,
  error: 3,
  fatal: 2,
};
const MOST_SEQUENCE_ID = 2 ** 31 - 1;
/** Printable ASCII, at most 255 characters (§6). */
const HOST =
  hostname()
    .replaceAll(/[^!-~]/g, '')
    .slice(0, 255) || '-';
