import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerGuard, Verdict } from '../src/index.ts';
import { loadAddon } from '../src/native/load.ts';
import { openSilentListener, type SilentListener } from './contract/silent-listener.ts';
import { PATIENT } from './contract/stage.ts';
import {
  addonPath,
  commandsAreSent,
  handedOutWith,
  likeOpening,
  NONCE,
  readBytes,
  useVerdictStage,
} from './verdict-stage.ts';

const isHere = loadAddon(addonPath).kind === 'loaded';

/** `A`, any two bytes, `B`. */
const guard: AnswerGuard = {
  beginning: { bytes: Buffer.from('A..B'), mask: Buffer.of(0xff, 0, 0, 0xff) },
  answerTimeoutMs: Infinity,
};
/** tcpmux: no system gives this port to another process of ours. */
const refusing = { host: '127.0.0.1', port: 1 };

/** Says its opening and leaves, then tells when it had left, and its port. */
const CLIENT_THAT_LEAVES = `
  const { parentPort, workerData } = require('node:worker_threads');
  const done = new Int32Array(workerData);
  parentPort.on('message', ({ host, port, opening }) => {
    const client = require('node:net').connect({ host, port, allowHalfOpen: true });
    client.on('error', () => undefined);
    client.end(opening, () => {
      new Float64Array(workerData)[1] = performance.timeOrigin + performance.now();
      Atomics.wait(done, 1, 0, 3);
      Atomics.store(done, 0, 1);
      Atomics.notify(done, 0);
      parentPort.postMessage(client.localPort);
    });
  });
`;

describe.skipIf(!isHere).each([1, 2])('a verdict, on %i threads', (threads) => {
  const stage = useVerdictStage(threads);
  let silent: SilentListener;
  beforeAll(async () => {
    silent = await openSilentListener();
  });
  afterAll(() => silent.close());

  describe('is repeated for a client like the one it was made for', () => {
    it('which is joined without being handed out, loses nothing, and is told of', async () => {
      await stage().remember({ reply: Buffer.from('200 ') });
      const opening = likeOpening(1);
      const before = performance.now();
      const { peer, tunnel, repeated } = await stage().repeats(opening);
      const { acceptedAt, dialledAt, upAt, remotePort, nonce } = repeated;
      const now = performance.now();
      expect(remotePort).toBe(peer.socket.localPort);
      expect(Buffer.from(nonce)).toEqual(opening.subarray(NONCE.at, NONCE.at + NONCE.length));
      for (const [earlier, later] of [
        [before, acceptedAt],
        [acceptedAt, dialledAt],
        [dialledAt, upAt],
        [upAt, now],
      ] as const)
        expect(later).toBeGreaterThanOrEqual(earlier - 1.5);

      const upstream = await stage().nextUpstream();
      expect((await upstream.receives(opening.length)).equals(opening)).toBe(true);
      upstream.send('down');
      expect((await peer.receives(8)).toString()).toBe('200 down');
      peer.send('up');
      expect((await upstream.receives(opening.length + 2)).subarray(opening.length).toString()).toBe('up');
      const counts = { bytesUp: opening.length + 2, bytesDown: 4 };
      await expect.poll(() => stage().transport.counts(tunnel)).toEqual(counts);
      peer.finish();
      expect(await upstream.departure).toBe('end');
      upstream.send('last');
      upstream.finish();
      expect((await peer.receivesAll()).toString()).toBe('200 downlast');
      await expect
        .poll(() => stage().ended.get(tunnel))
        .toMatchObject({ end: 'client_closed', ...counts, bytesDown: 8 });
      expect(stage().told.filter((told) => told !== 'handed out')).toEqual([`repeated ${tunnel}`, `ended ${tunnel}`]);
    });

    it.each([undefined, NONCE])('whose opening does not go up, with the nonce %o', async (nonce) => {
      await stage().remember({ isSentUp: false, reply: Buffer.from('200 '), nonce });
      const opening = stage().like();
      const { peer, tunnel, repeated } = await stage().repeats(opening);
      const told = nonce === undefined ? '' : opening.subarray(nonce.at, nonce.at + nonce.length).toString('hex');
      expect(Buffer.from(repeated.nonce).toString('hex')).toBe(told);
      const upstream = await stage().nextUpstream();
      expect((await peer.receives(4)).toString()).toBe('200 ');
      peer.send('hello');
      expect((await upstream.receives(5)).toString()).toBe('hello');
      upstream.send('down');
      expect((await peer.receives(8)).toString()).toBe('200 down');
      await expect.poll(() => stage().transport.counts(tunnel)).toEqual({ bytesUp: 5, bytesDown: 4 });
    });

    it('once its upstream has answered otherwise than in the guarded way', async () => {
      await stage().remember({ guard, reply: Buffer.from('200 ') });
      const { peer, opening, outcome } = await stage().isBeingJoined();
      const upstream = await stage().nextUpstream();
      await upstream.receives(opening.length);
      await upstream.sends(Buffer.from('A.'));
      upstream.send('.C');
      expect((await peer.receives(8)).toString()).toBe('200 A..C');
      expect(await outcome).toMatchObject({ kind: 'repeated' });
    });

    it.each(['client', 'upstream'] as const)('and its tunnel passes an RST of its %s on', async (who) => {
      await stage().remember();
      const { peer, tunnel } = await stage().repeats();
      const upstream = await stage().nextUpstream();
      const [leaving, other] = who === 'client' ? [peer, upstream] : [upstream, peer];
      leaving.reset();
      expect(await other.departure).toBe('reset');
      await expect.poll(() => stage().ended.get(tunnel)?.end).toBe(`${who}_reset`);
    });

    it('and its tunnel can be cut', async () => {
      await stage().remember();
      const { peer, tunnel } = await stage().repeats();
      const upstream = await stage().nextUpstream();
      stage().transport.cut(tunnel);
      expect(await Promise.all([peer.departure, upstream.departure])).toEqual(['end', 'end']);
      await expect.poll(() => stage().ended.get(tunnel)?.end).toBe('cut');
    });

    it('for as many tunnels as it was made for', async () => {
      const tunnels = 6;
      await stage().remember({ tunnels });
      let made = 0;
      while (!stage().told.includes('forgotten')) {
        const { outcome } = stage().say(stage().like());
        const came = await outcome;
        if (came.kind === 'repeated') made += 1;
        // Each thread has its share, and one may be used up before the other.
        else if (!came.isLate && threads === 1) break;
      }
      expect(made).toBe(tunnels);
      await expect.poll(() => stage().told).toContain('forgotten');
      await stage().handsOut(stage().like());
    });
  });

  describe('is not repeated for a client', () => {
    const changed = (at: number): Buffer => {
      const opening = stage().like();
      opening.writeUInt8(opening.readUInt8(at) ^ 0x40, at);
      return opening;
    };
    it.each([
      ['with another first byte', () => changed(0)],
      ['with another last byte', () => changed(604)],
      ['with another byte right before what is left out', () => changed(NONCE.at - 1)],
      ['with another byte right behind what is left out', () => changed(NONCE.at + NONCE.length)],
      ['that says one byte more', () => Buffer.concat([stage().like(), Buffer.of(1)])],
      ['that says one byte less', () => stage().like().subarray(0, -1)],
    ])('%s', async (_how, opening) => {
      await stage().remember();
      await stage().handsOut(opening());
      await stage().repeats();
    });

    it('of another host, or at another listener', async () => {
      await stage().remember();
      await stage().handsOut(stage().like(), { localAddress: '127.0.0.2' });
      await stage().handsOut(stage().like(), { to: await stage().listen() });
      await stage().repeats();
    });

    // While this thread waits, no other takes a client: so its FIN has come when it is accepted.
    it.runIf(threads === 1)('that has left when it is accepted', async () => {
      await stage().remember();
      const shared = new SharedArrayBuffer(16);
      const worker = new Worker(CLIENT_THAT_LEAVES, { eval: true, workerData: shared });
      await once(worker, 'online');
      for (;;) {
        new Float64Array(shared).fill(0);
        const opening = stage().like();
        worker.postMessage({ ...stage().door.address, opening });
        // The other thread takes this one's work where the client takes its time. Then it was accepted before it had left.
        Atomics.wait(new Int32Array(shared), 0, 0, 1_000);
        const [, leftAt = 0] = new Float64Array(shared);
        const port = await once(worker, 'message').then(([sent]) => Number(sent));
        const came = await stage().outcomeOf(port);
        const acceptedAt = came.kind === 'repeated' ? came.repeated.acceptedAt : came.leg.bornAt;
        if (leftAt === 0 || performance.timeOrigin + acceptedAt < leftAt + 1) continue;
        const leg = await handedOutWith(came, opening);
        expect(await leg.read(1, Infinity)).toBe('end');
        break;
      }
      await worker.terminate();
      await stage().repeats();
    });

    it('whose opening comes in two pieces', async () => {
      await stage().remember();
      const opening = stage().like();
      const { peer, outcome } = stage().say(opening.subarray(0, 300));
      // It is only sent once the first was handed out.
      const first = await outcome;
      peer.send(opening.subarray(300));
      await handedOutWith(first, opening);
      await stage().repeats();
    });

    // Each thread compares with the client before on that thread.
    it.runIf(threads === 1)('whose nonce is that of the client before', async () => {
      await stage().remember();
      const again = stage().like();
      await stage().repeats(again);
      await stage().handsOut(again);
      await stage().handsOut(again);
      await stage().repeats();
      await stage().repeats(again);
    });

    it('once it has held for its time, and says so though nothing else happens', async () => {
      await stage().remember({ holdsMs: 50 });
      await expect.poll(() => stage().told).toEqual(['forgotten']);
      await stage().handsOut(stage().like());
    });

    it('that connects right after the call by which all are forgotten', async () => {
      await stage().remember();
      const { transport } = stage();
      await stage().repeats();
      transport.forgetVerdicts?.();
      await stage().handsOut(stage().like());
      await expect.poll(() => stage().told).toContain('forgotten');
      await stage().remember();
      await stage().repeats();
    });

    it('of its listener, once that was closed and opened again', async () => {
      await stage().remember();
      const { address } = stage().door;
      await stage().door.close();
      stage().door = await stage().listen(address);
      await stage().handsOut(stage().like());
      await expect.poll(() => stage().told).toContain('forgotten');
    });
  });

  describe('where it has several for the same', () => {
    /** Gives it these in one go, each of which is named once it is forgotten. */
    async function rememberAll(verdicts: Readonly<Record<string, Partial<Verdict>>>): Promise<void> {
      const { transport, told } = stage();
      const { leg } = await stage().handsOut(stage().like());
      for (const [name, options] of Object.entries(verdicts))
        transport.remember?.(stage().verdictFor(leg, { ...options, onForgotten: () => told.push(name) }));
      leg.close();
      await commandsAreSent();
    }

    const toldOf = (names: readonly string[]): readonly string[] => stage().told.filter((each) => names.includes(each));

    it.runIf(threads === 1)('uses the oldest up first', async () => {
      const names = ['first', 'second', 'third', 'fourth'];
      await rememberAll(Object.fromEntries(names.map((name) => [name, { tunnels: 1 }])));
      for (let time = 0; time < names.length; time++) await stage().repeats();
      await expect.poll(() => toldOf(names)).toEqual(names);
    });

    it('goes by one that holds, whatever has ended', async () => {
      await rememberAll({ ended: { holdsMs: 0 }, holding: {} });
      await stage().repeats();
      await expect.poll(() => toldOf(['ended', 'holding'])).toEqual(['ended']);
    });
  });

  describe('gives a client up, which is handed out with all it has said,', () => {
    it.each<[string, () => Parameters<ReturnType<typeof stage>['remember']>[0]]>([
      ['where the address refuses', () => ({ address: refusing })],
      ['where nobody can be dialled', () => ({ address: { host: '255.255.255.255', port: 9 } })],
      ['where there is no such source', () => ({ sourceHost: '192.0.2.1' })],
      ['where the dial takes too long', () => ({ address: silent.address, withinMs: 50 })],
      ['where there is no time at all', () => ({ withinMs: 0 })],
      ['where the answer takes too long', () => ({ guard, withinMs: 50 })],
    ])('%s', async (_where, options) => {
      await stage().remember({ reply: Buffer.from('200 '), ...options() });
      await isAsAnyClient();
      await isNoGood();
    });

    it('where its upstream answers in the guarded way, and is dropped', async () => {
      await stage().remember({ guard, reply: Buffer.from('200 ') });
      const { opening, outcome, peer } = await stage().isBeingJoined();
      const upstream = await stage().nextUpstream();
      await upstream.receives(opening.length);
      upstream.send('A..B and more');
      await handedOutWith(await outcome, opening);
      await upstream.departure;
      expect(peer.receivedBytes).toBe(0);
      await isNoGood();
    });

    it('where it says more before its upstream has answered', async () => {
      await stage().remember({ guard });
      const { opening, outcome, peer } = await stage().isBeingJoined();
      const upstream = await stage().nextUpstream();
      await upstream.receives(opening.length);
      peer.send('and more');
      await handedOutWith(await outcome, Buffer.concat([opening, Buffer.from('and more')]));
      await upstream.departure;
      await isNoGood();
    });

    it.each(['end', 'reset'] as const)('where it leaves meanwhile (%s), and holds on', async (how) => {
      await stage().remember({ address: silent.address });
      const { opening, outcome, peer } = await stage().isBeingJoined();
      if (how === 'end') peer.finish();
      else peer.reset();
      const leg = await handedOutWith(await outcome, opening);
      expect(await leg.read(1, Infinity)).toBe(how);
      const second = await stage().isBeingJoined();
      expect(stage().told).not.toContain('forgotten as no good');
      stage().transport.forgetVerdicts?.();
      expect(await second.outcome).toMatchObject({ kind: 'handed-out' });
      await expect.poll(() => stage().told).toContain('forgotten');
    });

    it('where all are forgotten, or its listener is closed, while its tunnel is made', async () => {
      for (const isClosed of [false, true]) {
        await stage().remember({ address: silent.address });
        const clients = [await stage().isBeingJoined(), await stage().isBeingJoined(), await stage().isBeingJoined()];
        stage().told.length = 0;
        if (isClosed)
          void stage()
            .door.close()
            .then(() => stage().told.push('closed'));
        else stage().transport.forgetVerdicts?.();
        for (const { opening, outcome } of clients) await handedOutWith(await outcome, opening);
        const last = isClosed ? ['closed'] : [];
        const told = (): string[] => stage().told.filter((what) => what !== 'forgotten');
        await expect.poll(told).toEqual(['handed out', 'handed out', 'handed out', ...last]);
        await expect.poll(() => stage().told).toContain('forgotten');
      }
    });

    /** Its bytes come in order, its departure is noticed, and a dial joins it. */
    async function isAsAnyClient(): Promise<void> {
      const { peer, leg } = await stage().handsOut(stage().like());
      peer.send('and more');
      expect((await readBytes(leg, 8)).toString()).toBe('and more');
      const onUp = (): void => undefined;
      const keeper = { tunnelEnded: () => undefined };
      const clientBytes = Buffer.from('hello');
      const join = { ...PATIENT, client: leg, clientBytes, reply: Buffer.from('200 '), keeper, onUp };
      const { done } = stage().transport.dial(stage().upstreamAddress, { deadline: Infinity, join });
      expect(await done).toEqual({ kind: 'joined' });
      const upstream = await stage().upstreamThatHears('hello');
      peer.send('world');
      peer.finish();
      expect((await upstream.receivesAll()).toString()).toBe('helloworld');
      upstream.finish();
      expect((await peer.receivesAll()).toString()).toBe('200 ');
    }

    /** It is told to be no good, once, and nobody is dialled for by it any more. */
    async function isNoGood(): Promise<void> {
      // The other thread has not tried it, and repeats it until it is forgotten.
      if (threads > 1) stage().transport.forgetVerdicts?.();
      await expect.poll(() => stage().told).toContain('forgotten as no good');
      await stage().handsOut(stage().like());
      expect(stage().told.filter((told) => told.startsWith('forgotten'))).toHaveLength(1);
    }
  });

  describe('and the end of the transport', () => {
    it('which ends what was made by it, and what is being made', async () => {
      await stage().remember({ tunnels: 64 });
      const up = [await stage().repeats(), await stage().repeats()];
      const other = Buffer.from('silent');
      const opening = { bytes: other, mask: Buffer.alloc(other.length, 0xff) };
      const unanswered = await stage().remember({ address: silent.address, opening, nonce: undefined });
      const under = [await stage().isBeingJoined(other), await stage().isBeingJoined(other)];
      // These may be up without anybody knowing.
      const unknown = [stage().say(stage().like()), stage().say(stage().like())];
      await Promise.all(unknown.map(({ peer }) => peer.sends(new Uint8Array(0))));
      stage().told.length = 0;
      await stage().transport.stop();
      await Promise.all([...up, ...under, ...unknown].map(({ peer }) => peer.departure));
      for (const { tunnel } of up) expect(stage().ended.get(tunnel)?.end).toBe('lifetime');
      const told = stage().told.map((what) => what.split(' ')[0]);
      expect(told.filter((what) => what === 'ended')).toHaveLength(
        2 + told.filter((what) => what === 'repeated').length,
      );
      expect(stage().told.filter((what) => what === 'forgotten')).toHaveLength(2);
      expect(stage().transport.remember?.(stage().verdictFor(unanswered))).toBe(false);
      stage().transport.forgetVerdicts?.();
    });
  });
});

/** As built: a process of its own reads no TypeScript. */
const built = new URL('../dist/index.js', import.meta.url).href;

describe.skipIf(!isHere || addonPath !== undefined)('a process with a verdict', () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  it.each([
    ['once nothing is open but the verdict', 1, 'client.end(); await door.close(); upstreams.close();'],
    ['once nothing is open but the verdict', 2, 'client.end(); await door.close(); upstreams.close();'],
    ['once its transport has stopped', 1, 'await transport.stop(); upstreams.close();'],
    ['once its transport has stopped', 2, 'await transport.stop(); upstreams.close();'],
  ])('ends %s, on %i threads', async (_when, threads, last) => {
    const script = `
      import { once } from 'node:events';
      import { connect, createServer } from 'node:net';
      import { createNativeTransport } from ${JSON.stringify(built)};
      const { transport } = createNativeTransport({ threads: ${threads} });
      const upstreams = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
      await once(upstreams, 'listening');
      let onLeg = () => undefined;
      const door = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => onLeg(leg));
      const say = () => {
        const client = connect(door.address);
        client.on('error', () => undefined).write('hello');
        return client;
      };
      const model = await new Promise((resolve) => { onLeg = resolve; say(); });
      model.close();
      let client;
      const repeated = new Promise((resolve) => {
        transport.remember({
          client: model, opening: { bytes: Buffer.from('hello'), mask: Buffer.alloc(5, 255) }, isSentUp: true,
          reply: Buffer.alloc(0), address: { host: '127.0.0.1', port: upstreams.address().port },
          tunnels: 1000, holdsMs: 600_000, withinMs: 10_000, idleTimeoutMs: Infinity, halfCloseTimeoutMs: Infinity,
          lifetimeMs: Infinity, keeper: { tunnelEnded: () => undefined }, onForgotten: () => undefined,
          onRepeated: resolve,
        });
        // Late, on a busy machine, it is handed out.
        onLeg = (leg) => { leg.close(); client = say(); };
        setTimeout(() => { client = say(); }, 1);
      });
      await repeated;
      ${last}`;
    child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
