/** However an address is spelled, no door dials what no rule permits. */
import { execFileSync } from 'node:child_process';
import { isIP } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeNameServer, record, startNameServer } from '../../../packages/resolver/test/fake-name-server.ts';
import { readAsDialled } from '../../fuzz/src/readings.ts';
import { configText } from '../harness/config-text.ts';
import { helloFor } from '../harness/hello.ts';
import { ask, type Origin, tcpOrigin } from '../harness/peers.ts';
import { isInstalled } from '../harness/programs.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';
import { generateSpellings, KNOWN_IPV6_SPELLINGS, KNOWN_SPELLINGS } from './spellings.ts';

let proxy: Running;
let names: FakeNameServer;
let origin: Origin;
let originClients = 0;

/** Every name there is leads to loopback: a spelling that passes for a name is caught by its address, or dialled. */
const loopbackForAll: FakeNameServer['script'] = ({ name, type }) => ({
  answers: type === 'A' ? [record('A', name, '127.0.0.1')] : [record('AAAA', name, '::1')],
});

beforeAll(async () => {
  origin = await tcpOrigin(() => (originClients += 1));
  names = await startNameServer(loopbackForAll);
  proxy = await startSallyport(
    configText({
      policy: 'policy: { rules: [{ name: everything, action: allow }], destinations: { deny: [special] } }',
      transparent: [`port: ${origin.port}`],
      more: 'limits: { tunnels_per_client: 20000 }',
    }).replace(/^dns: .*$/m, `dns: { servers: ["127.0.0.1:${names.address.port}"] }`),
  );
});

afterAll(async () => {
  await proxy.stop();
  await names.stop();
  origin.close();
});

/** What a refused spelling is: malformed, or a special address; a literal as server_name is malformed (a zone), or no name at all. */
function refusals(door: 'explicit' | 'transparent', host: string): readonly string[] {
  if (door === 'explicit') return ['400', '403'];
  const isLiteral = isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0;
  return isLiteral ? ['50', '109'] : ['50', '49'];
}

async function verdict(door: 'explicit' | 'transparent', host: string): Promise<string> {
  if (door === 'explicit') {
    const answer = await ask(proxy.port(door), `CONNECT ${host}:${origin.port} HTTP/1.1\r\n\r\n`);
    return /^HTTP\/1\.1 (\d+) /.exec(answer)?.[1] ?? answer;
  }
  return String(Buffer.from(await ask(proxy.port(door), helloFor(host)), 'latin1')[6]);
}

describe.each(['explicit', 'transparent'] as const)('the %s door', (door) => {
  it.each([...KNOWN_SPELLINGS, ...KNOWN_IPV6_SPELLINGS])('refuses %j', async (spelling) => {
    expect(refusals(door, spelling)).toContain(await verdict(door, spelling));
    expect(originClients).toBe(0);
  });
});

const generated = generateSpellings(10_000, 20_260_000);

describe('10,000 generated spellings', () => {
  it('are all refused at the explicit door', () => refuseAll('explicit'), 120_000);

  it('are all refused as a server_name', () => refuseAll('transparent'), 120_000);

  it('are never looked up where dialling code would read an address', () => {
    const lookedUp = names.asked.map(({ name }) => name).filter((name) => readAsDialled(name) !== undefined);
    expect(lookedUp).toEqual([]);
    // Those that were are enough to tell that the name server would have been asked.
    expect(names.asked.length).toBeGreaterThan(100);
  });

  it.skipIf(!isInstalled('python3'))('are read here as libc reads them', () => {
    const hosts = [...generated, ...KNOWN_SPELLINGS].map((host) => host.replace(/^\[(.*)\]$/, '$1'));
    const input = JSON.stringify(hosts);
    const readings = JSON.parse(execFileSync('python3', ['-c', ASK_LIBC], { input, encoding: 'utf8' })) as unknown[];
    const unread = hosts.filter((host, index) => readings[index] !== null && readAsDialled(host) === undefined);
    expect(unread).toEqual([]);
    expect(readings.filter((reading) => reading !== null).length).toBeGreaterThan(1000);
  });

  async function refuseAll(door: 'explicit' | 'transparent'): Promise<void> {
    const wrong: string[] = [];
    const queue = [...generated];
    const client = async (): Promise<void> => {
      for (let spelling = queue.pop(); spelling !== undefined; spelling = queue.pop()) {
        const answer = await verdict(door, spelling);
        if (!refusals(door, spelling).includes(answer)) wrong.push(`${spelling}: ${answer}`);
      }
    };
    await Promise.all(Array.from({ length: 64 }, client));
    expect(wrong).toEqual([]);
    expect(originClients).toBe(0);
  }
});

/** For each host, the address that getaddrinfo reads in it without asking anybody, or null. */
const ASK_LIBC = `
import json, socket, sys
def read(host):
    try:
        return socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)[0][4][0]
    except (OSError, UnicodeError, ValueError):
        return None
print(json.dumps([read(host) for host in json.load(sys.stdin)]))
`;
