/** Sockets that were opened before this process started, and passed to it: by systemd (sd_listen_fds(3)), or by the process that it replaces. */
import { closeSync, fstatSync, rmSync } from 'node:fs';
import { EXIT, FatalError } from '../exit.ts';

/** The first descriptor that is passed; the others follow. */
const FIRST_DESCRIPTOR = 3;

/** Each is taken once, by the listener that is bound there. */
export class InheritedSockets {
  /** Descriptors by place. Those of one place belong to one door. */
  readonly #waiting: Map<string, readonly number[]>;
  /** All places that there were: the number of sockets under a name does not change when they are used. */
  readonly #places: readonly string[];

  readonly #count: number;

  constructor(sockets: ReadonlyMap<string, readonly number[]>) {
    this.#count = [...sockets.values()].flat().length;
    this.#waiting = new Map(sockets);
    this.#places = [...sockets.keys()];
  }

  /** The places of the sockets that systemd passed under a name. They may be in use already. */
  placesOf(name: string): readonly string[] {
    const begin = placeOf(name, '');
    return this.#places.filter((place) => place.startsWith(begin));
  }

  /** The names under which systemd passed sockets. */
  get names(): readonly string[] {
    return namesIn(this.#places);
  }

  /** Those of them whose sockets have not been taken yet. */
  get waitingNames(): readonly string[] {
    return namesIn([...this.#waiting.keys()]);
  }

  /** How many descriptors there were in all. */
  get count(): number {
    return this.#count;
  }

  /** Those that have not been taken yet. */
  get waiting(): ReadonlyMap<string, readonly number[]> {
    return this.#waiting;
  }

  /** Those of them that are bound to a port that the configuration names. */
  waitingAt(port: number): readonly number[] {
    const ending = new RegExp(`:${port}(?: |$)`);
    return [...this.#waiting].flatMap(([place, descriptors]) => (ending.test(place) ? descriptors : []));
  }

  /** From now on the caller owns them, and closes them. */
  take(place: string): void {
    this.#waiting.delete(place);
  }

  /** Closes a predecessor's sockets that no listener uses any more. A reload may still need those of systemd. */
  closeUnwanted(): void {
    for (const [place, descriptors] of this.#waiting) {
      if (place.startsWith('systemd:')) continue;
      this.#waiting.delete(place);
      descriptors.forEach((descriptor) => closeSync(descriptor));
      removeSocketFile(place);
    }
  }
}

/** The predecessor keeps the path of its admin server for us, and nobody else listens there. `runtime.user` may have no right to remove it. */
function removeSocketFile(place: string): void {
  const path = /^admin unix:(.+)$/s.exec(place)?.[1];
  if (path === undefined) return;
  try {
    rmSync(path, { force: true });
  } catch {
    // It stays, and the next start at this path replaces it.
  }
}

/**
 * Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. Sockets for another process of the same service are ignored. Those that were given no
 * names, as by systemd-socket-activate(1), are `unknown`, as sd_listen_fds_with_names(3) has it. Throws a FatalError where LISTEN_FDS is
 * no number, or says more sockets than there are.
 */
export function readPassedSockets(env: NodeJS.ProcessEnv, pid: number): ReadonlyMap<string, readonly number[]> {
  const passed = new Map<string, readonly number[]>();
  if (Number(env['LISTEN_PID']) !== pid) return passed;
  const count = env['LISTEN_FDS'] ?? '0';
  if (!/^[0-9]+$/.test(count)) throw wrongCount(count, 'expected the number of sockets that are passed');
  const names = env['LISTEN_FDNAMES']?.split(':') ?? [];
  for (let index = 0; index < Number(count); index += 1) {
    const descriptor = FIRST_DESCRIPTOR + index;
    if (!isOpen(descriptor)) throw wrongCount(count, `file descriptor ${descriptor} is not open`);
    passed.set(placeOf(names[index] ?? 'unknown', index), [descriptor]);
  }
  return passed;
}

function isOpen(descriptor: number): boolean {
  try {
    fstatSync(descriptor);
    return true;
  } catch {
    return false; // EBADF; no other error is known of an open one.
  }
}

function wrongCount(count: string, why: string): FatalError {
  const remedy = 'whatever starts this process must pass as many sockets as it says, or leave LISTEN_FDS out';
  return new FatalError(`LISTEN_FDS is ${JSON.stringify(count)}: ${why}; ${remedy}`, EXIT.failure);
}

function namesIn(places: readonly string[]): readonly string[] {
  return [...new Set(places.flatMap((place) => /^systemd:(.*) #\d+$/.exec(place)?.[1] ?? []))];
}

function placeOf(name: string, index: number | ''): string {
  return `systemd:${name} #${index}`;
}
