/**
 * Polls files for changes. The system's notifications do not work on network and overlay mounts, nor when a symbolic link above a file is
 * replaced, as Kubernetes does with `..data` of a ConfigMap.
 */
import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** How often they are looked at, in milliseconds; a change counts once a second look finds the same. */
export const LOOK_EVERY_MS = 500;

export class FileWatch {
  readonly #onChange: () => void;
  #files: readonly string[] = [];
  /** What the files were when they were last read. */
  #known = '';
  /** What they were at the last look: one who writes a file may not be done yet. */
  #seen = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** They are about to be read: a change before now is known by then. */
  aboutToRead(): void {
    this.#known = versionsOf(this.#files);
  }

  /** These are the files from now on; none: nothing is looked at. */
  follow(files: readonly string[]): void {
    const isSame = files.length === this.#files.length && files.every((file, at) => file === this.#files[at]);
    if (isSame) return;
    this.#files = files;
    this.aboutToRead();
    this.#seen = this.#known;
    clearTimeout(this.#timer);
    if (files.length > 0) this.#lookAgain();
  }

  #lookAgain(): void {
    this.#timer = setTimeout(() => void this.#look(), LOOK_EVERY_MS).unref();
  }

  async #look(): Promise<void> {
    const files = this.#files;
    const now = (await Promise.all(files.map(currentVersion))).join('\n');
    if (files !== this.#files) return;
    const isSettled = now === this.#seen;
    this.#seen = now;
    if (isSettled && now !== this.#known) {
      this.#known = now;
      this.#onChange();
    }
    this.#lookAgain();
  }
}

interface Facts {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** Its rights count too (ctime): a file that could not be read may be readable by now. */
function versionOf({ dev, ino, size, mtimeMs, ctimeMs }: Facts): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

function versionsOf(files: readonly string[]): string {
  return files
    .map((file) => {
      try {
        return versionOf(statSync(file));
      } catch {
        return ABSENT;
      }
    })
    .join('\n');
}

/** Not waited for: a network mount that hangs must not block the program. */
async function currentVersion(file: string): Promise<string> {
  try {
    return versionOf(await stat(file));
  } catch {
    return ABSENT;
  }
}

const ABSENT = 'absent';
