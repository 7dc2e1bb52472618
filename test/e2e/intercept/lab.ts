/** A client, a gateway and an origin, each in a network namespace of its own, joined by two links. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Certificates, makeCertificates } from '../harness/certificates.ts';
import { run } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

export const CLIENT = { ipv4: '10.77.1.2', ipv6: 'fd77:1::2' } as const;
export const GATEWAY = { ipv4: '10.77.1.1', ipv6: 'fd77:1::1' } as const;
/** `other` is the origin too, under an address that the names of the tests have only at times; `denied` is one that no policy permits. */
export const ORIGIN = { ipv4: '10.77.2.2', ipv6: 'fd77:2::2', other: '10.77.2.3', denied: '10.77.2.9' } as const;

/** The group that Sallyport runs as: how the recipes tell its own traffic from that of other programs on the gateway. */
const GROUP = '4242';

type Place = 'client' | 'gateway' | 'origin';

export interface Lab {
  readonly certificates: Certificates;
  /** Runs a program to its end. */
  in(place: Place, program: string, ...args: string[]): ReturnType<typeof run>;
  /** Fetches what the origin says of who came; rejects with curl's words. */
  fetch(from: Place, url: string, ...args: string[]): Promise<unknown>;
  /** Runs `configs/intercept/NAME.sh` on the gateway. Throws what it says where it fails. */
  recipe(name: string, verb: 'up' | 'down', variables?: Readonly<Record<string, string>>): void;
  /** The rules that netfilter and the routing have on the gateway now. */
  rules(): readonly string[];
  startSallyport(yaml: string, under?: readonly string[]): Promise<Running>;
  /** What names resolve to on the gateway's own name server: a list of answers each, given out in turn. */
  setAnswers(answers: Readonly<Record<string, readonly (readonly string[])[]>>): Promise<void>;
  close(): void;
}

/** Why there can be no lab here, or undefined where there can. */
export function whyNoLab(): string | undefined {
  const name = `sallyport-try-${process.pid}`;
  try {
    for (const program of ['iptables', 'nft', 'python3', 'setpriv'])
      execFileSync('which', [program], { stdio: 'pipe' });
    sh(`ip netns add ${name} && ip netns exec ${name} iptables -t mangle -A PREROUTING -p tcp -j TPROXY --on-port 1`);
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  } finally {
    sh(`ip netns del ${name} 2>/dev/null || true`);
  }
}

export async function openLab(names: readonly string[]): Promise<Lab> {
  const prefix = `sallyport-${process.pid}-${Math.random().toString(36).slice(2, 7)}`;
  const certificates = makeCertificates([...names, ORIGIN.ipv4, ORIGIN.ipv6, ORIGIN.other]);
  const folder = mkdtempSync(join(tmpdir(), 'lab-'));
  const nameOf = (place: Place): string => `${prefix}-${place}`;
  const exec = (place: Place): readonly string[] => ['ip', 'netns', 'exec', nameOf(place)];
  layOut(nameOf);
  writeFileSync(join(folder, 'cert.pem'), certificates.cert);
  writeFileSync(join(folder, 'key.pem'), certificates.key);
  const origin = await startProgram(exec('origin'), 'origin.js', join(folder, 'cert.pem'), join(folder, 'key.pem'));
  const nameServer = await startProgram(exec('gateway'), 'name-server.js');
  const inPlace: Lab['in'] = (place, program, ...args) => {
    const [ip = '', ...rest] = [...exec(place), program, ...args];
    return run(ip, rest);
  };
  return {
    certificates,
    in: inPlace,
    fetch: async (from, url, ...args) => {
      const words = ['-sS', '--max-time', '8', '--cacert', certificates.caFile, ...args, url];
      const { code, stdout, stderr } = await inPlace(from, 'curl', ...words);
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as unknown;
    },
    recipe: (name, verb, variables) => {
      const script = fileURLToPath(new URL(`../../../configs/intercept/${name}.sh`, import.meta.url));
      const env = { ...process.env, GROUP, ...variables };
      const [ip, ...args] = [...exec('gateway'), script, verb];
      execFileSync(ip, args, { env, stdio: 'pipe' });
    },
    rules: () => {
      const shows = ['iptables-save', 'ip6tables-save', 'nft list tables', 'ip rule', 'ip -6 rule'];
      const text = shows.map((show) => sh(`${exec('gateway').join(' ')} ${show}`)).join('');
      // What iptables has once looked at stays as an empty table.
      return text.split('\n').filter((line) => /^-A |sallyport|fwmark/i.test(line));
    },
    startSallyport: (yaml, under = []) =>
      startSallyport(yaml, { under: [...exec('gateway'), 'setpriv', '--regid', GROUP, '--clear-groups', ...under] }),
    setAnswers: async (answers) => {
      nameServer.send(answers);
      await once(nameServer, 'message');
    },
    close: () => {
      for (const child of [origin, nameServer]) child.disconnect();
      for (const place of ['client', 'gateway', 'origin'] as const) sh(`ip netns del ${nameOf(place)}`);
      rmSync(folder, { recursive: true });
    },
  };
}

/** No duplicate address detection: it takes a second in which the addresses can't be used. */
function layOut(nameOf: (place: Place) => string): void {
  const [client, gateway, origin] = [nameOf('client'), nameOf('gateway'), nameOf('origin')];
  const addresses = (place: string, link: string, ...all: readonly string[]): string =>
    all.map((one) => `ip -n ${place} addr add ${one} dev ${link} ${one.includes(':') ? 'nodad' : ''}`).join('\n');
  sh(`set -e
    for place in ${client} ${gateway} ${origin}; do ip netns add $place; ip -n $place link set lo up; done
    ip link add eth0 netns ${client} type veth peer name lan netns ${gateway}
    ip link add eth0 netns ${origin} type veth peer name wan netns ${gateway}
    ${addresses(client, 'eth0', `${CLIENT.ipv4}/24`, `${CLIENT.ipv6}/64`)}
    ${addresses(gateway, 'lan', `${GATEWAY.ipv4}/24`, `${GATEWAY.ipv6}/64`)}
    ${addresses(gateway, 'wan', '10.77.2.1/24', 'fd77:2::1/64')}
    ${addresses(origin, 'eth0', ...Object.values(ORIGIN).map((one) => `${one}/${one.includes(':') ? 64 : 24}`))}
    ip -n ${client} link set eth0 up; ip -n ${origin} link set eth0 up
    ip -n ${gateway} link set lan up; ip -n ${gateway} link set wan up
    ip netns exec ${gateway} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    ip -n ${client} route add default via ${GATEWAY.ipv4}; ip -n ${client} route add default via ${GATEWAY.ipv6}
    ip -n ${origin} route add default via 10.77.2.1; ip -n ${origin} route add default via fd77:2::1`);
}

async function startProgram(exec: readonly string[], script: string, ...args: string[]): Promise<ChildProcess> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const [ip = '', ...rest] = [...exec, process.execPath, file, ...args];
  const child = spawn(ip, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}

function sh(script: string): string {
  return execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: 'pipe' });
}
