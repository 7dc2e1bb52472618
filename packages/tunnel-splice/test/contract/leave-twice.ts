import type { Side } from './stage.ts';

/** The peer sends its last words and its FIN, and then an RST, which the transport meets in a write. */
export async function leaveTwice({ peer, leg }: Side, lastWords: string): Promise<void> {
  const hasLeft = new Promise((resolve) => leg.whenGone(resolve));
  peer.socket.end(lastWords);
  await hasLeft;
  // Whatever is sent to a descriptor that is closed comes back as an RST.
  peer.socket.destroy();
  for (const word of ['answered by it', 'told of it']) {
    leg.write(Buffer.from(word));
    await leg.drained();
  }
  // Node.js reports the error of a write a little later.
  await new Promise((resolve) => setImmediate(resolve));
}
