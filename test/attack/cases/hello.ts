/** Hellos that are large, or sent slowly. */
import { randomBytes } from 'node:crypto';
import { call, firstWords } from '../client.ts';
import { clientHello, serverName } from '../hello.ts';
import type { Case } from './all.ts';

export const helloCases: Readonly<Record<string, Case>> = {
  /** Thousands of application protocols, other ones in each hello; the tunnels come up and are closed. */
  'ALPN lists, 16 KiB':
    ({ ports }) =>
    () =>
      offer(ports['transparent'], 5300),
  'ALPN lists, 60 KiB, in two records':
    ({ ports }) =>
    () =>
      offer(ports['transparent'], 10_000, { records: 7 }),
  'long names of applications':
    ({ ports }) =>
    () =>
      offer(ports['transparent'], 60, { nameBytes: 255 }),
  'other names in each hello':
    ({ ports }) =>
    async (round) => {
      const socket = await call(
        ports['transparent'] ?? 0,
        clientHello(new Map([[0, serverName(`n${round}.honest.test`)]])),
      );
      await firstWords(socket);
      socket.destroy();
    },
};

interface Offer {
  readonly records?: number;
  readonly nameBytes?: number;
}

async function offer(port = 0, count: number, { records = 1, nameBytes = 2 }: Offer = {}): Promise<void> {
  const names = Buffer.concat(
    Array.from({ length: count }, () => Buffer.concat([Buffer.of(nameBytes), randomBytes(nameBytes)])),
  );
  const list = Buffer.concat([Buffer.of(names.length >> 8, names.length & 0xff), names]);
  const hello = clientHello(
    new Map([
      [0, serverName('origin.test')],
      [16, list],
    ]),
  );
  const socket = await call(port, records === 1 ? hello : inRecords(hello.subarray(5)));
  await firstWords(socket);
  socket.destroy();
}

/** A record holds 16 KiB at most (RFC 8446 §5.1). */
function inRecords(handshake: Buffer): Buffer {
  // The length of a handshake message has three bytes, of which the harness fills two.
  const records: Buffer[] = [];
  for (let at = 0; at < handshake.length; at += 16_000) {
    const piece = handshake.subarray(at, at + 16_000);
    records.push(Buffer.of(22, 3, 1, piece.length >> 8, piece.length & 0xff), piece);
  }
  return Buffer.concat(records);
}
