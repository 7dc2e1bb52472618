/** Reads a message's content from bytes that may arrive in any pieces, and removes its framing. */
import type { Field, Malformed } from './head-lines.ts';

/** The result of reading some bytes. */
export type ContentPiece =
  /** `usedBytes` of them belong to the message. These are all bytes, unless it is whole with them. */
  | { readonly kind: 'piece'; readonly content: Uint8Array; readonly usedBytes: number; readonly isWhole: boolean }
  | Malformed;

/** The reader of one message's content. */
export interface ContentReader {
  /** Reads on. Not to be called again after it was malformed or whole. */
  read(bytes: Uint8Array): ContentPiece;
  /** With a FIN now the message is whole; otherwise a FIN cuts it short. */
  readonly isWholeAtEnd: boolean;
  /** Complete once it is whole. */
  readonly trailers: readonly Field[];
}
