/** A machine that loses its address and gets another one, and its peers: each in a network namespace, joined by a link. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { run } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

export const OLD = { ipv4: '10.78.1.1', ipv6: 'fd78::1' } as const;
export const NEW = { ipv4: '10.78.1.7', ipv6: 'fd78::7' } as const;
export const PEER = { ipv4: '10.78.1.2', ipv6: 'fd78::2' } as const;

export interface Door {
  readonly host: string;
  readonly port: number;
}

export interface Tunnel {
  /** What the proxy answered; the tunnel is up where that is a 200. */
  readonly answer: string;
  /** What comes back of these words. */
  say(words: string): Promise<string>;
}

export interface Lab {
  startSallyport(yaml: string): Promise<Running>;
  /** A client of the door asks for a tunnel to `host:port`. */
  connect(door: Door, authority: string): Promise<Tunnel>;
  /** What `/metrics` of the machine says. */
  metrics(adminPort: number): Promise<string>;
  /** A client on the machine itself asks the door on loopback for a tunnel. Resolves with the status. */
  askAtHome(doorPort: number, authority: string): Promise<number>;
  /** The link has no carrier, as when a cable is pulled out. The machine keeps its addresses. */
  cutLink(): void;
  /** The machine has the new addresses in place of the old ones. */
  changeAddresses(): void;
  /** Another machine has the old addresses, and echoes at them. */
  giveOldAddressesAway(): void;
  /** The machine has the old addresses too, and nobody else. */
  takeOldAddressesBack(): void;
  /** All clients and origins are gone. */
  endPeers(): Promise<void>;
  close(): void;
}

/** Why there can be no lab here, or undefined where there can. */
export function whyNoLab(): string | undefined {
  const name = `sallyport-try-${process.pid}`;
  try {
    sh(`ip netns add ${name} && ip netns exec ${name} curl --version`);
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  } finally {
    sh(`ip netns del ${name} 2>/dev/null || true`);
  }
}

/** @param echoPorts where the peers send everything back */
export async function openLab(echoPorts: readonly number[]): Promise<Lab> {
  const prefix = `sallyport-${process.pid}-${Math.random().toString(36).slice(2, 7)}`;
  const [machine, others] = [`${prefix}-machine`, `${prefix}-others`];
  const change = (place: string, verb: 'add' | 'del', { ipv4, ipv6 }: typeof OLD | typeof NEW | typeof PEER): string =>
    // No duplicate address detection: it takes a second in which the address can't be used.
    `ip -n ${place} addr ${verb} ${ipv4}/24 dev eth0; ip -n ${place} addr ${verb} ${ipv6}/64 dev eth0 ${verb === 'add' ? 'nodad' : ''}\n`;
  sh(`set -e
    for place in ${machine} ${others}; do ip netns add $place; ip -n $place link set lo up; done
    ip link add eth0 netns ${machine} type veth peer name eth0 netns ${others}
    ${change(machine, 'add', OLD)} ${change(others, 'add', PEER)}
    ip -n ${machine} link set eth0 up; ip -n ${others} link set eth0 up`);
  const peers = await startPeers(others, echoPorts);
  const ask = askThrough(peers);
  return {
    startSallyport: (yaml) => startSallyport(yaml, { under: within(machine) }),
    async connect(door, authority) {
      const { id, text } = await ask({ door, authority });
      return { answer: text, say: async (words) => (await ask({ say: words, tunnel: id })).text };
    },
    async metrics(adminPort) {
      const url = `http://127.0.0.1:${adminPort}/metrics`;
      const [program, ...args] = [...within(machine), 'curl', '-sS', url];
      return (await run(program, args)).stdout;
    },
    async askAtHome(doorPort, authority) {
      const asked = ['--proxytunnel', '--proxy', `http://127.0.0.1:${doorPort}`, `http://${authority}/`];
      const printed = ['-sS', '--max-time', '10', '--output', '/dev/null', '--write-out', '%{http_connect}'];
      const [program, ...args] = [...within(machine), 'curl', ...printed, ...asked];
      return Number((await run(program, args)).stdout);
    },
    cutLink: () => void sh(`ip -n ${others} link set eth0 down`),
    changeAddresses: () => void sh(`set -e\n${change(machine, 'del', OLD)}${change(machine, 'add', NEW)}`),
    giveOldAddressesAway: () => void sh(`set -e\n${change(others, 'add', OLD)}`),
    takeOldAddressesBack: () => void sh(`set -e\n${change(others, 'del', OLD)}${change(machine, 'add', OLD)}`),
    endPeers: async () => {
      peers.disconnect();
      await once(peers, 'exit');
    },
    close() {
      for (const place of [machine, others]) sh(`ip netns del ${place}`);
    },
  };
}

/** What starts a program in a namespace. */
const within = (place: string) => ['ip', 'netns', 'exec', place] as const;

async function startPeers(place: string, echoPorts: readonly number[]): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('peers.js', import.meta.url));
  const [program, ...args] = [...within(place), process.execPath, script, ...echoPorts.map(String)];
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}

interface Answer {
  readonly id: number;
  readonly text: string;
}

function askThrough(peers: ChildProcess): (request: object) => Promise<Answer> {
  const waiting = new Map<number, (answer: Answer) => void>();
  let last = 0;
  peers.on('message', (answer: Answer) => waiting.get(answer.id)?.(answer));
  return (request) =>
    new Promise((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      peers.send({ id: last, ...request });
    });
}

function sh(script: string): string {
  return execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: 'pipe' });
}
