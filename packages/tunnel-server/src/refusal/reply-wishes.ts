/** How a client wants to be answered: what its request says of that, whatever is wrong with it. */

/** What changes the form of a reply. */
export interface ReplyWishes {
  /** The request is a HEAD, whose reply never has content (RFC 9110 §9.3.2). */
  readonly isHead: boolean;
  /** Its Accept field. */
  readonly accept: string | undefined;
}

/** Reads the wishes of a request that is not parsed, as far as it has arrived. Its lines may end in a bare LF: then that is what is wrong. */
export function readReplyWishes(request: Uint8Array): ReplyWishes {
  const text = Buffer.from(request.buffer, request.byteOffset, request.length).toString('latin1');
  // One empty line may come before it (RFC 9112 §2.2).
  const [head = ''] = text.replace(/^\r?\n/, '').split(/\r?\n\r?\n/, 1);
  const lines = head.split(/\r?\n/).filter((line) => /^accept:/i.test(line));
  const accept = lines.length === 0 ? undefined : lines.map((line) => line.slice('accept:'.length)).join(',');
  return { isHead: head.startsWith('HEAD '), accept };
}
