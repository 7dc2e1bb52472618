/** Reads a message's content from bytes that may arrive in any pieces, and removes its framing. */
import { ChunkedReader } from './chunked-reader.ts';
import type { ContentForm } from './content-form.ts';
import type { Dialect, Field, Malformed } from './head-lines.ts';

/** The result of reading some bytes. */
export type ContentPiece =
  /** `usedBytes` of them belong to the message. These are all bytes, unless it is whole with them. */
  | { readonly kind: 'piece'; readonly content: Uint8Array; readonly usedBytes: number; readonly isWhole: boolean }
  | Malformed;

export interface ContentReader {
  /** Reads on. Not to be called again after it was malformed or whole. */
  read(bytes: Uint8Array): ContentPiece;
  /** With a FIN now the message is whole; otherwise a FIN cuts it short. */
  readonly isWholeAtEnd: boolean;
  /** Complete once it is whole. */
  readonly trailers: readonly Field[];
}

/** Undefined where there is no content to be read. */
export function openContent(form: ContentForm, dialect: Dialect): ContentReader | undefined {
  switch (form.kind) {
    case 'none':
      return undefined;
    case 'length':
      return form.lengthBytes === 0 ? undefined : new LengthReader(form.lengthBytes);
    case 'chunked':
      return new ChunkedReader(dialect);
    case 'until-end':
      return UNTIL_END;
  }
}

class LengthReader implements ContentReader {
  readonly isWholeAtEnd = false;
  readonly trailers = [];
  #leftBytes: number;

  constructor(lengthBytes: number) {
    this.#leftBytes = lengthBytes;
  }

  read(bytes: Uint8Array): ContentPiece {
    const content = bytes.subarray(0, this.#leftBytes);
    this.#leftBytes -= content.length;
    return { kind: 'piece', content, usedBytes: content.length, isWhole: this.#leftBytes === 0 };
  }
}

const UNTIL_END: ContentReader = {
  isWholeAtEnd: true,
  trailers: [],
  read: (bytes) => ({ kind: 'piece', content: bytes, usedBytes: bytes.length, isWhole: false }),
};
