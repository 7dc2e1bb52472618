/** Sockets that systemd opened for us and passed on (sd_listen_fds(3)). */
import { bindText, type Bind } from '@sallyport/config';
import type { Address } from '@sallyport/tunnel-splice';
import { EXIT, FatalError } from '../exit.ts';

/** Descriptors by the name of their socket unit (FileDescriptorName=). */
export type PassedSockets = ReadonlyMap<string, readonly number[]>;

/** The first descriptor that is passed; the others follow. */
const FIRST_DESCRIPTOR = 3;

/** Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. What is meant for another process of the same service is none of ours. */
export function readPassedSockets(env: NodeJS.ProcessEnv, pid: number): PassedSockets {
  const passed = new Map<string, number[]>();
  if (Number(env['LISTEN_PID']) !== pid) return passed;
  const count = Number(env['LISTEN_FDS'] ?? 0);
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  for (let index = 0; index < count; index += 1) {
    const name = names[index] ?? 'unknown';
    passed.set(name, [...(passed.get(name) ?? []), FIRST_DESCRIPTOR + index]);
  }
  return passed;
}

/** One socket of a listener: to be opened by us, or passed. */
export interface Place {
  readonly address: Address;
  readonly passed?: number;
}

/** Every socket behind one `bind`; those of one name are all used. Throws a FatalError where systemd passed none of that name. */
export function placesOf(bind: Bind, passed: PassedSockets): readonly Place[] {
  if (!('systemd' in bind)) return [{ address: bind }];
  const descriptors = passed.get(bind.systemd);
  if (!descriptors) throw new FatalError(explainMissing(bind, passed), EXIT.failure);
  return descriptors.map((descriptor) => ({ address: { host: '0.0.0.0', port: 0 }, passed: descriptor }));
}

function explainMissing(bind: Bind, passed: PassedSockets): string {
  const names = [...passed.keys()].join(', ');
  return (
    `no socket for ${bindText(bind)} was passed (${names === '' ? 'none was at all' : `there is ${names}`}); ` +
    'start the socket unit with that FileDescriptorName=, or bind to host:port'
  );
}
