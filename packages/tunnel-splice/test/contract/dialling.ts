import { describe, expect, it } from 'vitest';
import type { DialResult, Leg, Transport } from '../../src/index.ts';
import { useStage } from './stage.ts';
import { openSilentListener } from './silent-listener.ts';

export function describeDialling(create: () => Transport): void {
  describe('dialling', () => {
    const stage = useStage(create);

    it('connects, and names both ends', async () => {
      const { peer, leg } = await stage().connectUpstream();
      expect(leg.remote).toEqual(stage().upstreamAddress);
      expect(leg.local).toEqual({ host: '127.0.0.1', port: peer.socket.remotePort });
    });

    it('tells a listener, at once where it is over, and a promise the same', async () => {
      const { transport, upstreamAddress } = stage();
      const dial = transport.dial(upstreamAddress, { deadline: Infinity });
      const result = await dial.done;
      const told: DialResult[] = [];
      dial.whenDone((late) => told.push(late));
      expect(told).toEqual([result]);
      if (result.kind === 'connected') result.leg.close();
    });

    it('tells a listener that the transport has stopped, which may use its legs then', async () => {
      const { transport } = stage();
      const { leg } = await stage().connectClient();
      const silent = await openSilentListener();
      const told = new Promise<DialResult>((resolve) =>
        transport.dial(silent.address, { deadline: Infinity }).whenDone((result) => {
          leg.close(Buffer.from('too late'));
          resolve(result);
        }),
      );
      await transport.stop();
      expect(await told).toEqual({ kind: 'cancelled' });
      await silent.close();
    });

    it('dials from the source address it is given', async () => {
      const { transport, upstreamAddress } = stage();
      const dialled = await transport.dial(upstreamAddress, { deadline: Infinity, sourceHost: '127.0.0.2' }).done;
      expect(dialled).toMatchObject({ kind: 'connected', leg: { local: { host: '127.0.0.2' } } });
    });

    it('says that nobody listens', async () => {
      // tcpmux: no system gives this port to another process of ours.
      const address = { host: '127.0.0.1', port: 1 };
      expect(await stage().transport.dial(address, { deadline: Infinity }).done).toEqual({ kind: 'refused' });
    });

    it('says that there is no way to an address', async () => {
      // TCP has no broadcast, so the kernel refuses this one on every machine.
      const address = { host: '255.255.255.255', port: 9 };
      expect(await stage().transport.dial(address, { deadline: Infinity }).done).toEqual({ kind: 'unreachable' });
    });

    it('says that a source address is not ours', async () => {
      const { transport, upstreamAddress } = stage();
      const dialled = await transport.dial(upstreamAddress, { deadline: Infinity, sourceHost: '192.0.2.1' }).done;
      expect(dialled).toEqual({ kind: 'no-source' });
    });

    it('says that there is no way from a source address of the other family', async () => {
      const { transport, upstreamAddress } = stage();
      const dialled = await transport.dial(upstreamAddress, { deadline: Infinity, sourceHost: '::1' }).done;
      expect(dialled).toEqual({ kind: 'unreachable' });
    });

    it('gives up a silent address at the deadline, not before', async () => {
      const silent = await openSilentListener();
      const deadline = performance.now() + 200;
      expect(await stage().transport.dial(silent.address, { deadline }).done).toEqual({ kind: 'timeout' });
      expect(performance.now()).toBeGreaterThanOrEqual(deadline);
      await silent.close();
    });

    it('stops at once when it is cancelled', async () => {
      const silent = await openSilentListener();
      const dial = stage().transport.dial(silent.address, { deadline: Infinity });
      dial.cancel();
      dial.cancel();
      expect(await dial.done).toEqual({ kind: 'cancelled' });
      await silent.close();
    });

    it('is not undone by a cancel that comes too late', async () => {
      const { transport, upstreamAddress } = stage();
      const dial = transport.dial(upstreamAddress, { deadline: Infinity });
      const dialled = await dial.done;
      dial.cancel();
      if (dialled.kind !== 'connected') throw new Error(dialled.kind);
      expect(await dialled.leg.read(1, performance.now() + 60)).toBe('deadline');
    });

    it('reads what an upstream says first', async () => {
      const { peer, leg } = await stage().connectUpstream();
      peer.send('220 ready');
      expect(Buffer.from(await leg.read(100, Infinity)).toString()).toBe('220 ready');
    });

    it('sends a preface ahead of all else, and reads the answer to it', async () => {
      const { transport, upstreamAddress } = stage();
      const preface = Buffer.from('who is there?');
      const dial = transport.dial(upstreamAddress, { deadline: Infinity, preface, isAnswerAwaited: true });
      const peer = await stage().nextUpstream();
      await peer.receives(preface.length);
      peer.send('me');
      const leg = connected(await dial.done);
      leg.write(Buffer.from('!'));
      expect(Buffer.from(await leg.read(100, Infinity)).toString()).toBe('me');
      expect((await peer.receives(preface.length + 1)).toString()).toBe('who is there?!');
    });

    it('tells that it has connected, though its preface has no answer', async () => {
      const { transport, upstreamAddress } = stage();
      const preface = Buffer.from('anybody?');
      const leg = connected(
        await transport.dial(upstreamAddress, { deadline: Infinity, preface, isAnswerAwaited: true }).done,
      );
      expect(await leg.read(1, performance.now() + 60)).toBe('deadline');
    });

    it('sends a preface that is larger than what the kernel takes at once', async () => {
      const { transport, upstreamAddress } = stage();
      const preface = Buffer.alloc(8 * 1024 * 1024, 'long ');
      const dial = transport.dial(upstreamAddress, { deadline: Infinity, preface });
      const peer = await stage().nextUpstream();
      const received = await peer.receives(preface.length);
      expect(received.equals(preface)).toBe(true);
      connected(await dial.done).close();
    });
  });
}

function connected(dialled: DialResult): Leg {
  if (dialled.kind !== 'connected') throw new Error(dialled.kind);
  return dialled.leg;
}
