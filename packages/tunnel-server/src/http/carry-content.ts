/** Copies a message's content from one leg to the other: with new framing and backpressure, until its last byte or an error. */
import type { Departure } from '@sallyport/tunnel-splice';
import type { ContentReader } from './content-reader.ts';
import type { FramingTurns } from './framing-turns.ts';
import { type MessageHead, passingTrailers } from './fields.ts';
import { encodeChunk, encodeLastChunk, type Inflow, type Outflow } from './flows.ts';
import type { Malformed } from './head-lines.ts';

/** A message whose content is to be sent on. */
export interface Passage {
  readonly head: MessageHead;
  readonly from: Inflow;
  /** Undefined where there is no content. */
  readonly reader: ContentReader | undefined;
  readonly to: Outflow;
  /** Sent in chunks, or unchanged. */
  readonly isChunked: boolean;
  readonly turns: FramingTurns;
  /** Called once all of it is written, if not all of it was sent. From here on the message is complete. */
  onWritten(): void;
}

/** `whole`: all of it was sent, and `from` is behind it. Otherwise how the sender left before its end, or what is malformed in it. */
export type Carried = 'whole' | Departure | Malformed;

/** Resolves once all of it was sent, or can never be. Never rejects. */
export async function carryContent(passage: Passage): Promise<Carried> {
  const { head, from, reader, to, isChunked, turns } = passage;
  let isWhole = reader === undefined;
  while (reader !== undefined && !isWhole) {
    const bytes = await from.read();
    if (typeof bytes === 'string') {
      if (bytes === 'reset' || !reader.isWholeAtEnd) return bytes;
      break;
    }
    const piece = reader.read(bytes);
    if (piece.kind === 'malformed') return piece;
    const { content, usedBytes } = piece;
    ({ isWhole } = piece);
    from.putBack(bytes.subarray(usedBytes));
    const turn = turns.take(usedBytes - content.length);
    if (turn !== undefined) await turn;
    if (content.length > 0) await to.write(isChunked ? encodeChunk(content) : content);
  }
  if (isChunked) await to.write(encodeLastChunk(passingTrailers(head, reader?.trailers ?? [])));
  passage.onWritten();
  await to.drained();
  return 'whole';
}
