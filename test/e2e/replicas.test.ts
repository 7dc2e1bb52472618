/** Two replicas behind HAProxy, which says by the PROXY protocol who its clients are: one is taken away, then one dies. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type OtherProxy, startProxy } from './egress/other-proxy.ts';
import { configText } from './harness/config-text.ts';
import { type Client, echoOrigin, openClient, openTunnel, type Origin } from './harness/peers.ts';
import { freePort } from './harness/ports.ts';
import { isInstalled } from './harness/programs.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

const LONG_TUNNELS = 12;
const WORKERS = 6;
const ACTIVE = 'tunnels_active{listener="explicit"}';

let echo: Origin;
let ports: Readonly<Record<'a' | 'b', number>>;
let replicas: Record<'a' | 'b', Running>;
let balancer: OtherProxy;
let control: number;

describe.skipIf(!isInstalled('haproxy'))('two replicas behind HAProxy', () => {
  beforeAll(async () => {
    echo = await echoOrigin();
    ports = { a: await freePort(), b: await freePort() };
    const [a, b] = await Promise.all([startReplica(ports.a), startReplica(ports.b)]);
    replicas = { a, b };
    control = await freePort();
    balancer = await startBalancer();
  });

  afterAll(async () => {
    await balancer.stop();
    await Promise.all(Object.values(replicas).map((replica) => replica.stop()));
    echo.close();
  });

  it('lose one that drains without a failed request or a cut tunnel', async () => {
    const { tunnels, ofA } = await openTunnels();
    const load = startLoad();
    await load.pass(50);
    // As Kubernetes takes a pod out of its Service: first it gets no more clients, and has the time to serve those that it got.
    await tell('set server sallyport/a state drain');
    const { a } = replicas;
    await load.pass(50);
    await vi.waitUntil(async () => (await a.metric(ACTIVE)) === ofA, { timeout: 30_000 });
    a.process.kill('SIGTERM');
    await a.line({ msg: 'draining' });
    await load.pass(100);
    expect(await answering(tunnels)).toBe(LONG_TUNNELS);
    for (const { socket } of tunnels) socket.destroy();
    await once(a.process, 'close');
    expect(a.process.exitCode).toBe(0);
    await load.pass(50);
    expect(await load.stop()).toEqual([]);
  });

  it('lose no more than its own tunnels with one that is killed', async () => {
    replicas.a = await startReplica(ports.a);
    await tell('set server sallyport/a state ready');
    await vi.waitUntil(async () => (await tell('show stat')).match(/^sallyport,a,.*,UP,/m) !== null, 30_000);
    const { tunnels, ofA } = await openTunnels();
    const load = startLoad();
    await load.pass(50);
    replicas.a.process.kill('SIGKILL');
    await once(replicas.a.process, 'close');
    const killedAt = performance.now();
    await load.pass(100);
    expect(await answering(tunnels)).toBe(LONG_TUNNELS - ofA);
    for (const { socket } of tunnels) socket.destroy();
    expect((await load.stop()).filter((begunAt) => begunAt > killedAt)).toEqual([]);
  });
});

async function startReplica(port: number): Promise<Running> {
  const text = configText({ explicit: ['proxy_protocol: ["127.0.0.1"]'] });
  return startSallyport(text.replace('"127.0.0.1:0"', `"127.0.0.1:${port}"`));
}

async function startBalancer(): Promise<OtherProxy> {
  const server = (name: 'a' | 'b'): string =>
    `  server ${name} 127.0.0.1:${ports[name]} send-proxy-v2 check send-proxy inter 100ms fall 1 rise 1`;
  return startProxy(({ folder, port }) => ({
    program: 'haproxy',
    args: ['-db', '-f', `${folder}/haproxy.cfg`],
    files: {
      'haproxy.cfg': `global
  stats socket ipv4@127.0.0.1:${control} level admin
defaults
  mode tcp
  timeout connect 2s
  timeout client 1m
  timeout server 1m
  retries 3
  option redispatch 1
listen sallyport
  bind 127.0.0.1:${port}
${server('a')}
${server('b')}
`,
    },
  }));
}

/** What HAProxy answers to a command. */
async function tell(command: string): Promise<string> {
  const socket = connect(control, '127.0.0.1').end(`${command}\n`);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

/** Each replica has some. */
async function openTunnels(): Promise<{ readonly tunnels: readonly Client[]; readonly ofA: number }> {
  const authority = `origin.test:${echo.port}`;
  const tunnels = await Promise.all(Array.from({ length: LONG_TUNNELS }, () => openTunnel(balancer.port, authority)));
  return vi.waitFor(async () => {
    const [ofA = 0, ofB = 0] = await Promise.all([replicas.a.metric(ACTIVE), replicas.b.metric(ACTIVE)]);
    expect(ofA + ofB).toBe(LONG_TUNNELS);
    expect(Math.min(ofA, ofB)).toBeGreaterThan(0);
    return { tunnels, ofA };
  }, 30_000);
}

/** How many tunnels still carry bytes both ways. */
async function answering(tunnels: readonly Client[]): Promise<number> {
  const answers = await Promise.all(
    tunnels.map((tunnel) => {
      tunnel.socket.write('still there?');
      const hasEnded = (): Promise<boolean> => tunnel.ended().then(() => false);
      return tunnel.hears('still there?').then(() => true, hasEnded);
    }),
  );
  return answers.filter(Boolean).length;
}

interface Load {
  /** Resolves when so many more requests were answered. */
  pass(count: number): Promise<void>;
  /** Resolves with when each request began that failed. */
  stop(): Promise<readonly number[]>;
}

/** Requests, one behind the other in each worker: a tunnel, a word, its echo, and the end. */
function startLoad(): Load {
  const failed: number[] = [];
  let answered = 0;
  let isOver = false;
  const work = async (): Promise<void> => {
    while (!isOver) {
      const begunAt = performance.now();
      if (await request()) answered += 1;
      else failed.push(begunAt);
    }
  };
  const workers = Array.from({ length: WORKERS }, work);
  return {
    async pass(count) {
      const enough = answered + count;
      await vi.waitUntil(() => answered >= enough, { timeout: 15_000, interval: 10 });
    },
    async stop() {
      isOver = true;
      await Promise.all(workers);
      return failed;
    },
  };
}

async function request(): Promise<boolean> {
  try {
    const client = await openClient(balancer.port);
    client.socket.write(`CONNECT origin.test:${echo.port} HTTP/1.1\r\nHost: origin.test:${echo.port}\r\n\r\nword`);
    const isAnswered = client.hears('\r\n\r\nword').then(() => true);
    const isEnded = client.ended().then(() => false);
    return await Promise.race([isAnswered, isEnded]).finally(() => client.socket.destroy());
  } catch {
    return false;
  }
}
