/** Reads the head of a destination's final response, after any interim responses (RFC 9110 §15.2). */
import type { Departure } from '@sallyport/tunnel-splice';
import { ByteQueue } from '../byte-queue.ts';
import { responseContentForm } from './content-form.ts';
import { encodeHead } from './encode-head.ts';
import { responseFieldsDown } from './fields.ts';
import type { Inflow, Outflow } from './flows.ts';
import { type Malformed, malformed } from './head-lines.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';

/** How the reading of a response has ended, up to its content. */
export type FinalHead =
  /** The final one, or a 101. What came behind it is in the flow again. */
  | { readonly kind: 'head'; readonly head: ResponseHead }
  /** The peer left before one was complete. What it sent is in the flow again. */
  | { readonly kind: 'left'; readonly how: Departure }
  | Malformed;

/** The largest head that we take. A larger one counts as no answer. */
const HEAD_BYTES = 64 * 1024;

/** As many as Apache's proxy forwards. */
const INTERIM_RESPONSES = 10;

/** RFC 9110 §15.2.2: what follows it is of another protocol, so no other response comes. */
export const SWITCHING_PROTOCOLS = 101;
const FIRST_FINAL_STATUS = 200;

/** Interim responses are sent down as they come, each once the one before was sent. Clients of HTTP/1.0 get none. */
export async function readFinalHead(from: Inflow, to: Outflow, clientVersion: '1.0' | '1.1'): Promise<FinalHead> {
  for (let count = 0; ; count++) {
    const read = await readHead(from);
    if (read.kind !== 'head') return read;
    const { head } = read;
    if (head.status >= FIRST_FINAL_STATUS || head.status === SWITCHING_PROTOCOLS) return read;
    if (count === INTERIM_RESPONSES)
      return malformed(`more than ${INTERIM_RESPONSES} interim responses (1xx) come before it`);
    const form = responseContentForm(head, '');
    if (form.kind === 'malformed') return form;
    if (clientVersion === '1.0') continue;
    await to.write(encodeHead(`HTTP/1.1 ${head.status} ${head.reasonPhrase}`, responseFieldsDown(head)));
    await to.drained();
  }
}

async function readHead(from: Inflow): Promise<FinalHead> {
  const seen = new ByteQueue();
  for (let resumeAt = 0; ;) {
    const more = await from.read();
    if (typeof more === 'string') {
      from.putBack(seen.bytes);
      return { kind: 'left', how: more };
    }
    const bytes = seen.append(more);
    const result = parseResponseHead(bytes, HEAD_BYTES, resumeAt);
    if (result.kind === 'head') {
      from.putBack(bytes.subarray(result.headBytes));
      return { kind: 'head', head: result.head };
    }
    if (result.kind === 'malformed') return result;
    if (result.kind === 'too-large') return malformed(`its head is larger than ${HEAD_BYTES} bytes`);
    ({ resumeAt } = result);
  }
}
