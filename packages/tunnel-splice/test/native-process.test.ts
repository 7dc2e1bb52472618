import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { suspend } from '../../../test/e2e/harness/suspend.ts';
import { loadAddon } from '../src/native/load.ts';
import { createTlsIdentity, type Leg } from '../src/index.ts';
import { createNativeTransport } from '../src/native/transport.ts';
import { makeCertificate } from './certificates.ts';
import { FollowedTunnel } from './contract/followed.ts';
import { openSilentListener } from './contract/silent-listener.ts';
import { PATIENT, portOf } from './contract/stage.ts';

/** As built: a worker or a process of its own reads no TypeScript. */
const built = new URL('../dist/index.js', import.meta.url).href;

const isHere = loadAddon().kind === 'loaded';

describe.skipIf(!isHere)('the native transport and its process', () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  /** Runs `script`, an ES module in which `native` makes the transport, and gives the first line it prints. */
  async function runScript(script: string, descriptors?: number): Promise<string> {
    const made = `import { createNativeTransport } from ${JSON.stringify(built)};
      const native = () => createNativeTransport({ threads: 1 });`;
    const node = [process.execPath, '--input-type=module', '--eval', `${made}${script}`];
    const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors};`;
    child = spawn('sh', ['-c', `${limit} exec "$@"`, 'sh', ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new Error('a pipe was asked for');
    return String((await once(createInterface(child.stdout), 'line')).at(0));
  }

  it('starts once at a time, and again after a stop', async () => {
    const first = createNativeTransport({ threads: 1 });
    expect(createNativeTransport({ threads: 1 }).kind).toBe('unavailable');
    if (first.kind === 'available') await first.transport.stop();
    const second = createNativeTransport({ threads: 2 });
    expect(second.kind).toBe('available');
    if (second.kind === 'available') await second.transport.stop();
  });

  it('runs in a worker as well as in the main thread, and ends with the worker', async () => {
    const here = createNativeTransport({ threads: 1 });
    const script = `import(${JSON.stringify(built)}).then(({ createNativeTransport }) => {
      const made = createNativeTransport({ threads: 1 });
      require('node:worker_threads').parentPort.postMessage(made.kind);
    })`;
    const worker = new Worker(script, { eval: true });
    // On a busy machine both have happened before this thread looks.
    const exit = once(worker, 'exit');
    expect(await once(worker, 'message')).toEqual(['available']);
    expect(await exit).toEqual([0]);
    if (here.kind === 'available') await here.transport.stop();
  });

  it('keeps no process alive in which nothing is open', async () => {
    expect(await runScript(`console.log(native().kind);`)).toBe('available');
    expect(await once(expectChild(child), 'exit')).toEqual([0, null]);
  });

  it('keeps a process alive for a client that was handed over to speak TLS, until that has left', async () => {
    const identity = `(await import(${JSON.stringify(built)})).createTlsIdentity(${JSON.stringify(makeCertificate('/CN=proxy.test'))})`;
    const script = `const { identity } = ${identity};
      const door = await native().transport.listen({ host: '127.0.0.1', port: 0 }, async (leg) => {
        await door.close();
        for (let bytes; (bytes = await leg.read(100, Infinity)) instanceof Uint8Array; ) leg.write(bytes);
        leg.close();
      }, { identity: () => identity });
      console.log(door.address.port);`;
    const client = connectTls({ port: Number(await runScript(script)), host: '127.0.0.1', rejectUnauthorized: false });
    await echoed(client);
    client.end();
    expect(await once(expectChild(child), 'exit')).toEqual([0, null]);
  });

  it('lets a process end at once that does not stop it', async () => {
    const listen = `await native().transport.listen({ host: '127.0.0.1', port: 0 }, () => {});`;
    expect(await runScript(`${listen} console.log('open'); process.exit(7);`)).toBe('open');
    expect(await once(expectChild(child), 'exit')).toEqual([7, null]);
  });

  it.each([{ speaks: 'TLS' }, { speaks: 'anything' }])(
    'closes a client of a door that speaks $speaks in its time, though this thread is stalled',
    async ({ speaks }) => {
      const made = createNativeTransport({ threads: 1 });
      if (made.kind === 'unavailable') throw new Error(made.reason);
      const { transport } = made;
      const identity = createTlsIdentity(makeCertificate('/CN=proxy.test'));
      if (identity.kind !== 'ok') throw new Error(identity.parts[0]?.why);
      let onClient: (leg: Leg) => void = () => undefined;
      const accepted = new Promise<Leg>((resolve) => (onClient = resolve));
      const options = speaks === 'TLS' ? { identity: () => identity.identity } : {};
      const door = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => onClient(leg), options);
      door.allowSilence(50);
      await new Promise((resolve) => setImmediate(resolve));
      const client = connect(door.address.port, '127.0.0.1').resume();
      const closed = once(client, 'close');
      await once(client, 'connect');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      const leg = await accepted;
      expect(await leg.read(100, Infinity)).toBe('deadline');
      leg.close();
      await closed;
      await door.close();
      await transport.stop();
    },
  );

  it('closes no silent client to which a tunnel is promised', async () => {
    const made = createNativeTransport({ threads: 1 });
    if (made.kind === 'unavailable') throw new Error(made.reason);
    const { transport } = made;
    const unanswering = await openSilentListener();
    let onClient: (leg: Leg) => void = () => undefined;
    const accepted = new Promise<Leg>((resolve) => (onClient = resolve));
    const door = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => onClient(leg));
    door.allowSilence(200);
    await new Promise((resolve) => setImmediate(resolve));
    const client = connect(door.address.port, '127.0.0.1').resume();
    let hasEnded = false;
    client.on('end', () => (hasEnded = true));
    const plan = { ...PATIENT, client: await accepted, reply: Buffer.alloc(0), onUp: () => undefined };
    const join = { ...plan, keeper: new FollowedTunnel(transport) };
    const dial = transport.dial(unanswering.address, { deadline: performance.now() + 600, join });
    expect(await dial.done).toEqual({ kind: 'timeout' });
    expect(hasEnded).toBe(false);
    client.destroy();
    await transport.stop();
    await unanswering.close();
  });

  it('says why it is not there', () => {
    const made = createNativeTransport({ threads: 1, addonPath: '/nowhere/tunnel_splice.node' });
    expect(made).toEqual({ kind: 'unavailable', reason: 'not built' });
  });

  it('announces clients in the order in which they came, and a silent one all the same', async () => {
    const made = createNativeTransport({ threads: 1 });
    if (made.kind === 'unavailable') throw new Error(made.reason);
    const ports: number[] = [];
    const door = await made.transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => ports.push(leg.remote.port));
    const clients: Socket[] = [];
    for (let client = 0; client < 20; client++) {
      const socket = connect(door.address.port, '127.0.0.1');
      clients.push(socket);
      await once(socket, 'connect');
    }
    // The last one speaks first.
    clients.at(-1)?.write('here');
    await expect.poll(() => ports).toEqual(clients.map(({ localPort }) => localPort));
    for (const socket of clients) socket.destroy();
    await made.transport.stop();
  });

  it('closes a client that says nothing, and no other, even while its JavaScript is stalled', async () => {
    const port = Number(
      await runScript(`const door = await native().transport.listen({ host: '127.0.0.1', port: 0 }, () => {});
        door.allowSilence(150);
        await new Promise(setImmediate);
        console.log(door.address.port);
        const until = Date.now() + 3_000;
        await new Promise((resolve) => process.stdout.write('', resolve));
        while (Date.now() < until) {}
        console.log('no longer stalled');
        setInterval(() => {}, 1_000);`),
    );
    const stallEnds = once(createInterface(expectStdout(child)), 'line');
    const speaker = connect(port, '127.0.0.1');
    speaker.write('here');
    const silent = connect(port, '127.0.0.1').resume();
    const first = await Promise.race([once(silent, 'end').then(() => 'closed'), stallEnds.then(() => 'stall over')]);
    expect(first).toBe('closed');
    expect(await Promise.race([once(speaker, 'close').then(() => 'closed'), stallEnds.then(() => 'open')])).toBe(
      'open',
    );
    speaker.destroy();
  });

  it('has pipes for a bulk flow, and none for one of small pieces, however long it is', async () => {
    const made = createNativeTransport({ threads: 1 });
    if (made.kind === 'unavailable') throw new Error(made.reason);
    const { transport } = made;
    const origin = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const upstream = { host: '127.0.0.1', port: portOf(origin) };
    const serve = async (client: Leg): Promise<void> => {
      const dialled = await transport.dial(upstream, { deadline: performance.now() + 5_000 }).done;
      if (dialled.kind !== 'connected') throw new Error(dialled.kind);
      transport.splice(client, dialled.leg, { ...PATIENT, keeper: { tunnelEnded: () => undefined } });
    };
    const door = await transport.listen({ host: '127.0.0.1', port: 0 }, (client) => void serve(client));
    const client = connect({ ...door.address, noDelay: true });
    const pipesBefore = pipesOpen();
    const piece = Buffer.alloc(1024);
    for (let sent = 0; sent < 1_000; sent += 1) {
      client.write(piece);
      await receive(client, piece.length);
    }
    expect(pipesOpen()).toBe(pipesBefore);
    const bulk = Buffer.alloc(32 * 1024 * 1024);
    client.write(bulk);
    await receive(client, bulk.length);
    expect(pipesOpen()).toBeGreaterThan(pipesBefore);
    client.destroy();
    origin.close();
    await transport.stop();
  });

  it('relays, and counts, even while its JavaScript is stalled', async () => {
    const origin = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const upstream = JSON.stringify({ host: '127.0.0.1', port: portOf(origin) });
    const port = Number(
      await runScript(`const { transport } = native();
        const keeper = { tunnelEnded: (tunnel, { bytesUp }) => console.log(bytesUp) };
        const limits = { keeper, idleTimeoutMs: 60_000, halfCloseTimeoutMs: 60_000, lifetimeMs: Infinity };
        const door = await transport.listen({ host: '127.0.0.1', port: 0 }, async (client) => {
          const { leg } = await transport.dial(${upstream}, { deadline: performance.now() + 5_000 }).done;
          transport.splice(client, leg, limits);
          await new Promise(setImmediate);
          console.log('stalled');
          await new Promise((resolve) => process.stdout.write('', resolve));
          const until = Date.now() + 3_000;
          while (Date.now() < until) {}
          console.log('no longer stalled');
        });
        console.log(door.address.port);`),
    );
    const lines = createInterface(expectStdout(child))[Symbol.asyncIterator]();
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    expect(await lines.next()).toMatchObject({ value: 'stalled' });
    const stallEnds = lines.next();
    const roundTrips = (async () => {
      for (let trip = 0; trip < 50; trip += 1) await echoed(client);
      return 'relayed';
    })();
    expect(await Promise.race([roundTrips, stallEnds])).toBe('relayed');
    expect(await stallEnds).toMatchObject({ value: 'no longer stalled' });
    client.end();
    expect(await lines.next()).toMatchObject({ value: String(50 * STILL_THERE.length) });
    origin.close();
  });

  it('goes on after a SIGPIPE, and after it was suspended', async () => {
    const port = Number(await runScript(ECHO));
    const client = connect(port, '127.0.0.1');
    await echoed(client);
    const suspended = expectChild(child);
    suspended.kill('SIGPIPE');
    await echoed(client);
    await suspend(suspended);
    client.write(STILL_THERE);
    const late = once(client, 'data');
    const first = await Promise.race([late.then(() => 'answered'), nextSecond('suspended')]);
    expect(first).toBe('suspended');
    suspended.kill('SIGCONT');
    expect(String(await late)).toBe(STILL_THERE);
    expect(await answers(port)).toBe(true);
    client.destroy();
  });

  it('serves whom it has, and later others again, when it runs out of descriptors', async () => {
    const port = Number(await runScript(ECHO, 64));
    const faithful = connect(port, '127.0.0.1');
    await echoed(faithful);

    const crowd = Array.from({ length: 100 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await Promise.any(crowd.map((socket) => once(socket, 'close')));
    await echoed(faithful);

    for (const socket of crowd) socket.destroy();
    await expect.poll(() => answers(port)).toBe(true);
    faithful.destroy();
  });
});

function expectChild(child: ChildProcess | undefined): ChildProcess {
  if (child === undefined) throw new Error('no process was started');
  return child;
}

function expectStdout(process: ChildProcess | undefined): Readable {
  const stdout = process?.stdout;
  if (stdout == null) throw new Error('a pipe was asked for');
  return stdout;
}

/** Those of this process. */
function pipesOpen(): number {
  return readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith('pipe:')).length;
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // that of the directory itself
  }
}

async function receive(socket: Socket, length: number): Promise<void> {
  for (let left = length; left > 0;) left -= ((await once(socket, 'data')) as [Buffer])[0].length;
}

const STILL_THERE = 'still there?';

/** Prints its port, and sends back what it hears. */
const ECHO = `const door = await native().transport.listen({ host: '127.0.0.1', port: 0 }, async (leg) => {
    for (;;) {
      const bytes = await leg.read(65536, Infinity);
      if (!(bytes instanceof Uint8Array)) return leg.close();
      leg.write(bytes);
    }
  });
  console.log(door.address.port);`;

const nextSecond = (word: string): Promise<string> => new Promise((resolve) => setTimeout(resolve, 1_000, word));

async function echoed(socket: Socket): Promise<void> {
  socket.write(STILL_THERE);
  expect(String(await once(socket, 'data'))).toBe(STILL_THERE);
}

/** Whether a new client is served. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  socket.write('anyone?');
  const isServed = await Promise.race([
    once(socket, 'data').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return isServed;
}
