/** How a client wants to be answered: what its request says of that, whatever is wrong with it. */
import { linesSoFar } from './lines-so-far.ts';

/** What changes the form of a reply. */
export interface ReplyWishes {
  /** The request is a HEAD, whose reply never has content (RFC 9110 §9.3.2). */
  readonly isHead: boolean;
  /** Its Accept field. */
  readonly accept: string | undefined;
}

/** Reads the wishes of a request that is not parsed, as far as it has arrived. */
export function readReplyWishes(request: Uint8Array): ReplyWishes {
  const [first = '', ...others] = linesSoFar(request);
  const lines = others.filter((line) => /^accept:/i.test(line));
  const accept = lines.length === 0 ? undefined : lines.map((line) => line.slice('accept:'.length)).join(',');
  return { isHead: first.startsWith('HEAD '), accept };
}
