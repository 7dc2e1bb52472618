/**
 * The lines of a request head that is not parsed, as far as it has arrived. They may end in a bare LF: then that is what is wrong. The
 * last one is the beginning of a line whose end has not come; empty where there is none.
 */
export function linesSoFar(request: Uint8Array): readonly string[] {
  const text = Buffer.from(request.buffer, request.byteOffset, request.length).toString('latin1');
  // One empty line may come before it (RFC 9112 §2.2).
  const [head = ''] = text.replace(/^\r?\n/, '').split(/(?<=\n)\r?\n/, 1);
  return head.split(/\r?\n/);
}
