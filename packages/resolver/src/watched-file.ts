/** A small system file, read again when it has changed. */
import { readFileSync, statSync } from 'node:fs';

/**
 * The text of a file. Synchronous on purpose: it is a local file, read only when it has changed, and the look-up that notices a change
 * already uses it.
 */
export class WatchedFile {
  readonly #path: string;
  #version = '';
  #text = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** The present text, or undefined if it has not changed since the last call. A missing file counts as empty. */
  readIfChanged(): string | undefined {
    try {
      const stat = statSync(this.#path, { throwIfNoEntry: false });
      // A file that is replaced by rename has another inode, but not always a newer time.
      const version = stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : 'absent';
      if (version === this.#version) return undefined;
      const text = stat ? readFileSync(this.#path, 'utf8') : '';
      this.#version = version;
      this.#text = text;
    } catch {
      // Not readable right now (rights, or removed between the two calls): the old text stays, and the next call tries again.
      return undefined;
    }
    return this.#text;
  }
}
