/** The proxy that refuses, and a name server that knows no name. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { hash } from 'bcryptjs';
import { configuration, type Refusal, REFUSALS } from './refusals.ts';

export interface Stage {
  readonly folder: string;
  /** An /etc/hosts that leads the names of the transparent door to it. */
  readonly hostsFile: string;
  urlOf(refusal: Refusal): string;
  /** Undefined at the transparent door, of which a client knows nothing. */
  proxyOf(refusal: Refusal): string | undefined;
  /** As the door sends it; empty where it speaks no HTTP. */
  statusLine(refusal: Refusal): Promise<string>;
  close(): void;
}

// This file runs from test/clients/build.
const binary = join(import.meta.dirname, '..', '..', '..', 'apps', 'sallyport', 'bin', 'sallyport.js');

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-clients-'));
  const nameServer = await startNameServer();
  writeFileSync(join(folder, 'sallyport.yaml'), configuration(nameServer.port));
  writeFileSync(join(folder, 'users.htpasswd'), `ann:${await hash('secret', 4)}\n`, { mode: 0o600 });
  const hostsFile = join(folder, 'hosts');
  const steered = REFUSALS.filter(({ door }) => door === 'transparent').map(({ host }) => host);
  writeFileSync(hostsFile, `127.0.0.1 localhost ${[...new Set(steered)].join(' ')}\n`);
  const proxy = spawn(process.execPath, [binary, 'run', '--config', join(folder, 'sallyport.yaml')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ports = await portsOf(proxy);
  const portOf = ({ door }: Refusal): number => ports[door] ?? 0;
  const authorityOf = (refusal: Refusal): string => {
    const port = refusal.door === 'transparent' ? portOf(refusal) : refusal.port;
    return port === undefined ? refusal.host : `${refusal.host}:${port}`;
  };
  return {
    folder,
    hostsFile,
    urlOf: (refusal) => `${refusal.scheme}://${authorityOf(refusal)}/`,
    proxyOf: (refusal) => (refusal.door === 'transparent' ? undefined : `http://127.0.0.1:${portOf(refusal)}`),
    statusLine: (refusal) => (refusal.alert ? Promise.resolve('') : ask(portOf(refusal), requestOf(refusal))),
    close() {
      proxy.kill('SIGKILL');
      nameServer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function requestOf({ door, scheme, host, port = 443 }: Refusal): string {
  if (scheme === 'https') return `CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`;
  return `GET ${door === 'transparent' ? '' : `http://${host}`}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
}

async function ask(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  return (await text(socket)).split('\r\n')[0] ?? '';
}

/** Sends each question back as NXDOMAIN (RFC 1035 §4.1.1). */
async function startNameServer(): Promise<{ readonly port: number; close(): void }> {
  const socket = createSocket('udp4');
  socket.on('message', (question, { port, address }) => {
    const answer = Buffer.from(question);
    answer.writeUInt16BE(0x8183, 2);
    socket.send(answer, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port }: AddressInfo = socket.address();
  return { port, close: () => void socket.close() };
}

/** From the lines that say where it listens, up to `ready`. The rest of the log is read and dropped. */
async function portsOf(proxy: ChildProcess): Promise<Readonly<Record<string, number>>> {
  const ports: Record<string, number> = {};
  if (!proxy.stdout) throw new Error('the proxy has no output');
  for await (const line of createInterface({ input: proxy.stdout })) {
    const { msg, listener, address } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    if (msg === 'listening') ports[String(listener)] = Number(String(address).split(':').at(-1));
    if (msg === 'ready') break;
  }
  proxy.stdout.resume();
  if (ports['transparent'] === undefined) throw new Error('the proxy ended at its start');
  return ports;
}
