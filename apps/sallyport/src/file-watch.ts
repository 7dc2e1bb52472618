/**
 * Polls files for changes. The system's notifications do not work on network and overlay mounts, nor when a symbolic link above a file is
 * replaced, as Kubernetes does with `..data` of a ConfigMap.
 */
import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** How often the files are checked, in milliseconds. A change counts once a second check finds the same. */
export const LOOK_EVERY_MS = 500;

export class FileWatch {
  readonly #onChange: () => void;
  #files: readonly string[] = [];
  /** The files' versions when they were last read. */
  #known: Versions = new Map();
  /** Their versions at the last check: a program that writes one may not have finished. */
  #seen = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Called before they are read: earlier changes are then known. */
  aboutToRead(): void {
    this.#known = versionsOf(this.#files);
  }

  /** Sets the files to watch; with none, nothing is checked. */
  follow(files: readonly string[]): void {
    const isSame = files.length === this.#files.length && files.every((file, at) => file === this.#files[at]);
    if (isSame) return;
    const now = versionsOf(files);
    this.#files = files;
    this.#seen = spell(files, now);
    // Those that were watched before may have changed since they were read.
    this.#known = new Map(files.map((file) => [file, this.#known.get(file) ?? now.get(file) ?? ABSENT]));
    clearTimeout(this.#timer);
    if (files.length > 0) this.#lookAgain();
  }

  #lookAgain(): void {
    this.#timer = setTimeout(() => void this.#look(), LOOK_EVERY_MS).unref();
  }

  async #look(): Promise<void> {
    const files = this.#files;
    const versions = await Promise.all(files.map(currentVersion));
    if (files !== this.#files) return;
    const now = new Map(files.map((file, at) => [file, versions[at] ?? ABSENT]));
    const spelled = spell(files, now);
    const isSettled = spelled === this.#seen;
    this.#seen = spelled;
    if (isSettled && spelled !== spell(files, this.#known)) {
      this.#known = now;
      this.#onChange();
    }
    this.#lookAgain();
  }
}

/** By file. */
type Versions = ReadonlyMap<string, string>;

function spell(files: readonly string[], versions: Versions): string {
  return files.map((file) => versions.get(file)).join('\n');
}

interface Facts {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** Rights count too (ctime): a file that could not be read may be readable now. */
function versionOf({ dev, ino, size, mtimeMs, ctimeMs }: Facts): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

function versionsOf(files: readonly string[]): Versions {
  return new Map(
    files.map((file) => {
      try {
        return [file, versionOf(statSync(file))];
      } catch {
        return [file, ABSENT];
      }
    }),
  );
}

/** Asynchronous: a network mount that hangs must not block the program. */
async function currentVersion(file: string): Promise<string> {
  try {
    return versionOf(await stat(file));
  } catch {
    return ABSENT;
  }
}

const ABSENT = 'absent';
