/** A small system file, read again when it has changed. */
import { readFileSync, statSync } from 'node:fs';

/**
 * The text of a file. Synchronous on purpose: it is read on this machine, at most when it has changed, and a change
 * holds for the very look-up that notices it.
 */
export class WatchedFile {
  readonly #path: string;
  #version = '';
  #text = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** The text as it is now, or undefined if it is what it was at the last call. A file that is not there is empty. */
  readIfChanged(): string | undefined {
    try {
      const stat = statSync(this.#path, { throwIfNoEntry: false });
      // A file that is put in place by rename keeps neither its inode nor, always, a newer time.
      const version = stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : 'absent';
      if (version === this.#version) return undefined;
      const text = stat ? readFileSync(this.#path, 'utf8') : '';
      this.#version = version;
      this.#text = text;
    } catch {
      // Not readable right now (rights, or removed between the two calls): what was read before stands, and it is tried
      // again.
      return undefined;
    }
    return this.#text;
  }
}
