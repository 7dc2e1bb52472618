/** The files that `auth` and `tls` name. They are read with the configuration: at the start, by `check` and by every reload. */
import { resolve } from 'node:path';
import {
  type Config,
  type ConfigPath,
  type ConnectListener,
  parseHtpasswd,
  type Problem,
  type Steps,
  type Users,
} from '@sallyport/config';
import {
  createTlsIdentity,
  findUnfitParts,
  type TlsIdentity,
  type TlsMaterial,
  type UnfitPart,
} from '@sallyport/tunnel-splice';
import { whyAuthoritiesUntimely, whyCertificateUntimely } from './certificate-times.ts';
import { readNamedFileInSteps } from './named-files.ts';

/** A listener's users, and its certificate; each is left out where the listener has no such key. */
export interface ListenerIdentity {
  readonly users?: Users;
  readonly tls?: TlsIdentity;
}

/** What the files hold, and what is wrong with them. */
export interface ListenerIdentities {
  /** By name of listener. May be used only where no problem is an error. */
  readonly identities: ReadonlyMap<string, ListenerIdentity>;
  readonly problems: readonly Problem[];
}

/** @param folder the configuration's own: paths are relative to it */
export function* readListenerIdentities({ listeners }: Config, folder: string): Steps<ListenerIdentities> {
  const identities = new Map<string, ListenerIdentity>();
  const problems: Problem[] = [];
  for (const [index, listener] of listeners.entries()) {
    if (listener.mode !== 'connect') continue;
    const files = new Files(['listeners', index], folder, problems);
    const users = listener.auth && (yield* readUsers(listener.auth, files));
    const tls = listener.tls && (yield* readTls(listener.tls, files));
    identities.set(listener.name, { ...(users && { users }), ...(tls && { tls }) });
  }
  return { identities, problems };
}

function* readUsers(
  { users_file: file }: NonNullable<ConnectListener['auth']>,
  files: Files,
): Steps<Users | undefined> {
  const text = yield* files.read(file, 'auth', 'users_file');
  if (text === undefined) return undefined;
  const { users, problems } = yield* parseHtpasswd(text);
  for (const { line, message } of problems) {
    const elsewhere = { file: files.locate(file), position: { line, column: 1 } };
    files.complain({ severity: 'error', message, elsewhere }, 'auth', 'users_file');
  }
  if (users.size === 0 && problems.length === 0) {
    const message = `${file} has no users, so no client can use this listener; htpasswd -B ${file} NAME adds one`;
    files.complain({ severity: 'warning', message }, 'auth', 'users_file');
  }
  return users;
}

const KEYS = { cert: 'cert', key: 'key', clientCa: 'client_ca' } as const satisfies Record<keyof TlsMaterial, string>;

function* readTls(tls: NonNullable<ConnectListener['tls']>, files: Files): Steps<TlsIdentity | undefined> {
  const cert = yield* files.read(tls.cert, 'tls', 'cert');
  const key = yield* files.read(tls.key, 'tls', 'key');
  const clientCa = tls.client_ca === undefined ? undefined : yield* files.read(tls.client_ca, 'tls', 'client_ca');
  // Without its file, `client_ca` would have no effect, and every client would be admitted.
  if (cert === undefined || key === undefined || (tls.client_ca !== undefined && clientCa === undefined)) {
    complainOf(findUnfitParts({ cert, key, clientCa }), tls, files);
    return undefined;
  }
  const result = createTlsIdentity({ cert, key, ...(clientCa !== undefined && { clientCa }) });
  if (result.kind === 'unfit') {
    complainOf(result.parts, tls, files);
    return undefined;
  }
  files.doubt(tls.cert, whyCertificateUntimely(cert), 'tls', 'cert');
  files.doubt(tls.client_ca, clientCa && whyAuthoritiesUntimely(clientCa), 'tls', 'client_ca');
  return result.identity;
}

function complainOf(parts: readonly UnfitPart[], tls: NonNullable<ConnectListener['tls']>, files: Files): void {
  for (const { part, why } of parts) {
    const name = KEYS[part];
    files.complain({ severity: 'error', message: `${tls[name] ?? name} ${why}` }, 'tls', name);
  }
}

/** Reads a listener's files, and reports their problems at the key that names them. */
class Files {
  readonly #listener: ConfigPath;
  readonly #folder: string;
  readonly #problems: Problem[];

  constructor(listener: ConfigPath, folder: string, problems: Problem[]) {
    this.#listener = listener;
    this.#folder = folder;
    this.#problems = problems;
  }

  locate(file: string): string {
    return resolve(this.#folder, file);
  }

  /** The file's text, or undefined once the problem is reported. */
  *read(file: string, ...path: ConfigPath): Steps<string | undefined> {
    const read = yield* readNamedFileInSteps(this.locate(file));
    if (read.kind === 'ok') return read.text;
    this.complain({ severity: 'error', message: read.why }, ...path);
    return undefined;
  }

  /** Warns of a file, where there is a reason to. */
  doubt(file: string | undefined, why: string | undefined, ...path: ConfigPath): void {
    if (why !== undefined) this.complain({ severity: 'warning', message: `${file} ${why}` }, ...path);
  }

  complain(problem: Omit<Problem, 'path'>, ...path: ConfigPath): void {
    this.#problems.push({ ...problem, path: [...this.#listener, ...path] });
  }
}
