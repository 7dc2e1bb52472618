import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Transport } from '../../src/index.ts';
import { PATIENT, portOf } from './stage.ts';

/** Node.js cannot send urgent data. The pauses let it arrive alone, and behind bytes that are read already. */
const SENDER = `
import socket, sys, time
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for pause in (0, 0.05):
    peer.sendall(b"a" * 2_000_000)
    peer.send(b"!", socket.MSG_OOB)
    peer.sendall(b"b" * 1_000_000)
    time.sleep(pause)
    peer.send(b"?", socket.MSG_OOB)
    time.sleep(pause)
    peer.sendall(b"c")
peer.close()
`;
const SENT_ONCE = `${'a'.repeat(2_000_000)}!${'b'.repeat(1_000_000)}?c`;

const isPythonHere = ((): boolean => {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('SKIPPED: TCP urgent data is not tested here, for there is no python3');
    return false;
  }
})();

export function describeUrgentData(create: () => Transport): void {
  describe('a splice with TCP urgent data', () => {
    it.skipIf(!isPythonHere)('carries it in its place, and what comes behind it', async () => {
      const transport = create();
      const origin = createServer().listen(0, '127.0.0.1');
      await once(origin, 'listening');
      const upstreamAddress = { host: '127.0.0.1', port: portOf(origin) };
      const keeper = { tunnelEnded: (): void => undefined };
      const door = await transport.listen({ host: '127.0.0.1', port: 0 }, (client) => {
        void transport.dial(upstreamAddress, { deadline: Infinity }).done.then((dialled) => {
          if (dialled.kind === 'connected') transport.splice(client, dialled.leg, { ...PATIENT, keeper });
        });
      });
      const sender = spawn('python3', ['-c', SENDER, String(door.address.port)], { stdio: 'inherit' });
      const [upstream] = (await once(origin, 'connection')) as [NodeJS.ReadableStream];
      let received = '';
      for await (const bytes of upstream) received += String(bytes);
      expect(received === SENT_ONCE.repeat(2)).toBe(true);
      sender.kill();
      origin.close();
      await transport.stop();
    });
  });
}
