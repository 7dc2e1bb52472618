/** A client, a gateway with Sallyport and an origin, each in a network namespace of its own, joined by two links. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Load, startLoad } from './load.ts';
import { interceptRecipes, proxyCore, sallyportBinary, serverName } from './places.ts';

/** How clients come to Sallyport. */
export interface Way {
  readonly door: Door;
  /** Whether the gateway tracks connections, needed or not. */
  readonly isTracked: boolean;
}

type Door = 'plain' | 'redirect' | 'tproxy';

/** One Sallyport has all three doors, so that nothing but the way differs. */
const doorPorts: Readonly<Record<Door, number>> = { plain: 8441, redirect: 8442, tproxy: 8443 };

const GATEWAY = '10.77.1.1';
const ORIGIN = '10.77.2.2';

/** Bounds every command that lays out or takes down. */
const COMMAND_MS = 20_000;
const START_MS = 20_000;

export interface Lab {
  readonly load: Load;
  /** Of Sallyport. */
  readonly pid: number;
  /** Where clients that come this way connect to. */
  target(door: Door): { readonly address: string; readonly port: number };
  /** Does something while the rules for this way, and no others, are up on the gateway. */
  under<T>(way: Way, work: () => Promise<T>): Promise<T>;
}

/** Throws, with what is lacking, where there can be no lab. */
export function requireLab(): void {
  if (process.getuid?.() !== 0) throw new Error('it lays out network namespaces and netfilter rules: run it as root');
  for (const program of ['ip', 'nft', 'sysctl']) {
    const { error } = spawnSync(program, ['--version'], { timeout: COMMAND_MS });
    if (error) throw new Error(`no ${program}: install it (Debian: iproute2, nftables, procps)`);
  }
}

/** Everything in it ends with this process: Sallyport and the origin by their ids, then the namespaces. */
export async function openLab(): Promise<Lab> {
  const prefix = `sallyport-bench-${process.pid}`;
  const [client, gateway, origin] = [`${prefix}-client`, `${prefix}-gateway`, `${prefix}-origin`];
  const at = (place: string): readonly string[] => ['ip', 'netns', 'exec', place];
  process.on('exit', () => takeDown([client, gateway, origin]));
  layOut(client, gateway, origin);
  const load = await startLoad({ client: at(client), origin: at(origin), originPort: 443 });
  process.on('exit', () => load.stop());
  const recipe = (door: Door, verb: 'up' | 'down'): void => {
    if (door === 'plain') return;
    const script = join(interceptRecipes, `nftables-${door}.sh`);
    sh(`SCOPE=gateway PORT=${doorPorts[door]} ip netns exec ${gateway} ${script} ${verb}`);
  };
  return {
    load,
    pid: await startSallyport(at(gateway)),
    target: (door) =>
      door === 'plain' ? { address: GATEWAY, port: doorPorts.plain } : { address: ORIGIN, port: load.originPort },
    under: async ({ door, isTracked }, work) => {
      if (!isTracked) sh(untrack(gateway));
      recipe(door, 'up');
      try {
        return await work();
      } finally {
        recipe(door, 'down');
        if (!isTracked) sh(track(gateway));
      }
    },
  };
}

/**
 * Ports and entries of closed connections are soon free again: a search for one would grow from run to run.
 * Nothing is forwarded: a client that no rule takes to Sallyport fails, instead of costing nothing.
 */
function layOut(client: string, gateway: string, origin: string): void {
  sh(`set -e
    for place in ${client} ${gateway} ${origin}; do ip netns add $place; ip -n $place link set lo up; done
    ip link add eth0 netns ${client} type veth peer name lan netns ${gateway}
    ip link add eth0 netns ${origin} type veth peer name wan netns ${gateway}
    ip -n ${client} addr add 10.77.1.2/24 dev eth0; ip -n ${gateway} addr add ${GATEWAY}/24 dev lan
    ip -n ${origin} addr add ${ORIGIN}/24 dev eth0; ip -n ${gateway} addr add 10.77.2.1/24 dev wan
    ip -n ${client} link set eth0 up; ip -n ${origin} link set eth0 up
    ip -n ${gateway} link set lan up; ip -n ${gateway} link set wan up
    ip -n ${client} route add default via ${GATEWAY}; ip -n ${origin} route add default via 10.77.2.1
    for place in ${client} ${gateway}; do
      ip netns exec $place sysctl -qw net.ipv4.ip_local_port_range='10000 65535' net.ipv4.tcp_tw_reuse=1
    done
    ${track(gateway)}
    ip netns exec ${gateway} sysctl -qw net.ipv4.ip_forward=0 net.netfilter.nf_conntrack_tcp_timeout_time_wait=1`);
}

/** A rule that asks for the state has connections tracked; a chain for NAT has them in its books too. */
function track(gateway: string): string {
  return `ip netns exec ${gateway} nft '
    add table ip lab
    add chain ip lab tracked { type nat hook prerouting priority dstnat; }
    add rule ip lab tracked ct state new counter'`;
}

function untrack(gateway: string): string {
  return `ip netns exec ${gateway} nft delete table ip lab`;
}

function takeDown(places: readonly string[]): void {
  spawnSync('sh', ['-c', places.map((place) => `ip netns del ${place}`).join('\n')], { timeout: COMMAND_MS });
}

/** Resolves with its process id once it is ready. */
async function startSallyport(under: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const file = join(folder, 'sallyport.yaml');
  writeFileSync(file, configuration);
  const [ip, ...args] = [...under, 'taskset', '-c', proxyCore, process.execPath, sallyportBinary] as const;
  const child = spawn(ip, [...args, 'run', '--config', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  await untilReady(createInterface({ input: child.stdout }));
  if (child.pid === undefined) throw new Error('a Sallyport without a process was ready');
  return child.pid;
}

const configuration = `listeners:
  - { name: plain, mode: sni, bind: "0.0.0.0:${doorPorts.plain}" }
  - { name: redirect, mode: sni, bind: "0.0.0.0:${doorPorts.redirect}", intercept: redirect }
  - { name: tproxy, mode: sni, bind: "0.0.0.0:${doorPorts.tproxy}", intercept: tproxy }
policy:
  rules: [{ name: bench, action: allow, clients: [private] }]
  destinations: { allow: ["${ORIGIN}"] }
dns: { hosts: { "${serverName}": ["${ORIGIN}"] } }
limits: { tunnels: 20000, tunnels_per_client: 20000 }
admin: { bind: "127.0.0.1:9128" }
log: { access: false }
runtime: { engine: native, threads: 1 }
`;

async function untilReady(lines: ReturnType<typeof createInterface>): Promise<void> {
  const signal = AbortSignal.timeout(START_MS);
  const seen: string[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    // The listener stays: whatever else it writes must not fill the pipe.
    lines.on('line', (line) => {
      if (line.includes('"msg":"ready"')) resolve();
      else seen.push(line);
    });
    lines.once('close', () => reject(new Error(`Sallyport ended at its start: ${seen.slice(-5).join('\n')}`)));
  });
  await Promise.race([ready, once(signal, 'abort').then(() => Promise.reject(new Error('Sallyport was not ready')))]);
}

function sh(script: string): void {
  execFileSync('sh', ['-c', script], { stdio: 'pipe', timeout: COMMAND_MS });
}
