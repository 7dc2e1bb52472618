/** Files that the configuration names. They are read with it: at the start, by `check` and by every reload. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { type Config, finish, type Steps } from '@sallyport/config';
import type { ReadHostsFile } from '@sallyport/policy';

/** Four million names. A larger file is a wrong one, be it of names, users or certificates. */
const LARGEST_BYTES = 128 * 1024 * 1024;

/**
 * All of them, as absolute paths.
 * @param folder the configuration's own: paths are relative to it
 */
export function namedFiles({ listeners, policy, egress, log }: Config, folder: string): readonly string[] {
  const ofListeners = listeners.flatMap((listener) => {
    if (listener.mode !== 'connect') return [];
    const { auth, tls } = listener;
    return [auth?.users_file, tls?.cert, tls?.key, tls?.client_ca];
  });
  const ofRules = policy.rules.map(({ hosts_file }) => hosts_file);
  const ofEgress = egress.map((one) => (one.type === 'http' ? one.ca : undefined));
  const ofLog = [log.syslog?.ca, log.otlp?.ca];
  const files = [...ofListeners, ...ofRules, ...ofEgress, ...ofLog].filter((file) => file !== undefined);
  return [...new Set(files.map((file) => resolve(folder, file)))];
}

type HostsFile = ReturnType<ReadHostsFile>;

/** A file that `hosts_file` names. */
export type ListFile = Exclude<HostsFile, { kind: 'ok' }> | (Extract<HostsFile, { kind: 'ok' }> & Contents);

/** Reads the file that `hosts_file` names. */
export type ReadListFile = (file: string) => Steps<ListFile>;

/**
 * Makes the reader of the files of `hosts_file`. A file that several rules name is read once, so that all use the same text.
 * @param folder the configuration's own: paths are relative to it
 */
export function createListReader(folder: string): ReadListFile {
  const read = new Map<string, ListFile>();
  return function* (file) {
    const path = isAbsolute(file) ? file : join(folder, file);
    const known = read.get(path) ?? (yield* readListFile(path));
    read.set(path, known);
    return known;
  };
}

function* readListFile(path: string): Steps<ListFile> {
  const read = yield* readNamedFileInSteps(path);
  return read.kind === 'ok' ? { ...read, path, text: read.text.replace(/^\uFEFF/, '') } : read;
}

interface Contents {
  readonly text: string;
  /** Stands for a text that may have a hundred megabytes. */
  readonly digest: string;
}

export type NamedFile =
  | ({ readonly kind: 'ok' } & Contents)
  /** `why` begins with the path, and includes the remedy. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** Reads a file that the configuration names. */
export function readNamedFile(path: string): NamedFile {
  return finish(readNamedFileInSteps(path));
}

/** As {@link readNamedFile}, in steps. */
export function* readNamedFileInSteps(path: string): Steps<NamedFile> {
  const unreadable = (why: string): NamedFile => ({ kind: 'unreadable', why: `${path} ${why}` });
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) return unreadable('is a directory; name a file in it');
    // A pipe would be empty at the first reload, or make it wait for a writer. A device may be endless.
    if (!stats.isFile()) return unreadable('is no regular file; name one');
    const contents = stats.size > LARGEST_BYTES ? undefined : yield* readContents(path);
    return contents ? { kind: 'ok', ...contents } : unreadable('is larger than 128 MiB; is it the right file?');
  } catch (cause) {
    return unreadable(explainSystemError(cause));
  }
}

const BYTES_A_STEP = 256 * 1024;

/** Undefined where the file is too large by now. */
function* readContents(path: string): Steps<Contents | undefined> {
  const descriptor = openSync(path, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafe(BYTES_A_STEP);
    let text = '';
    for (let total = 0; total <= LARGEST_BYTES;) {
      const bytes = chunk.subarray(0, readSync(descriptor, chunk));
      if (bytes.length === 0) return { text: text + decoder.end(), digest: hash.digest('hex') };
      text += decoder.write(bytes);
      hash.update(bytes);
      total += bytes.length;
      yield;
    }
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** Why a file cannot be read, and the remedy: the end of a sentence that begins with its path. */
function explainSystemError(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  switch (code) {
    case 'ENOENT':
      return 'does not exist; paths are relative to the configuration file';
    case 'EACCES':
      return 'may not be read by this user; change its rights or the user';
    default:
      return `cannot be read (${code}); name a readable file`;
  }
}
