/** Chooses the reader of a message's content by its framing. */
import { ChunkedReader } from './chunked-reader.ts';
import type { ContentForm } from './content-form.ts';
import type { ContentPiece, ContentReader } from './content-reader.ts';
import type { Dialect } from './head-lines.ts';

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
