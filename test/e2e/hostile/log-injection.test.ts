/** What a client writes reaches the log escaped, in either format: no line and no escape sequence of its own making. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { clientHello, type Extensions, helloFor, serverName } from '../harness/hello.ts';
import { ask } from '../harness/peers.ts';
import { BINARY } from '../harness/sallyport.ts';

/** A colour, a cleared screen, a title, a line of its own, and what JSON takes apart. */
const POISON = '\x1b[31m\x1b[2J\x1b]0;owned\x07\r\n{"level":"info","msg":"forged"}\0\x9b1m\u2028';

const alpn = (protocol: string): Buffer => {
  const name = Buffer.from(protocol, 'latin1');
  return Buffer.concat([Buffer.of(0, name.length + 1, name.length), name]);
};

const poisonedHello = (more: Extensions): Buffer => clientHello(new Map([[0, serverName('origin.test')], ...more]));

const inputs: readonly { readonly door: string; readonly bytes: Buffer }[] = [
  ...[`CONNECT ${POISON}:443 HTTP/1.1\r\n\r\n`, `CONNECT a:443 HTTP/1.1\r\nUser-Agent: ${POISON}\r\n\r\n`].map(
    (head) => ({
      door: 'explicit',
      bytes: Buffer.from(head, 'latin1'),
    }),
  ),
  ...['"', "'", '\\', '%0d%0a', '$(id)', '{}', '<script>'].map((host) => ({
    door: 'explicit',
    bytes: Buffer.from(`CONNECT ${host}:443 HTTP/1.1\r\n\r\n`),
  })),
  { door: 'explicit', bytes: Buffer.from(`GET http://${POISON}/ HTTP/1.1\r\n\r\n`, 'latin1') },
  { door: 'transparent', bytes: helloFor(POISON) },
  { door: 'transparent', bytes: poisonedHello(new Map([[16, alpn(POISON)]])) },
  { door: 'transparent', bytes: Buffer.from(`GET /${POISON} HTTP/1.1\r\nHost: ${POISON}\r\n\r\n`, 'latin1') },
  { door: 'transparent', bytes: Buffer.from(POISON, 'latin1') },
];

describe.each(['json', 'pretty'])('the log in the format %s', (format) => {
  it('has no control character but the ends of its own lines', async () => {
    const { log, lines } = await logOf(format);
    expect(log.match(/[^\x20-\x7e\n]/g)).toBeNull();
    expect(log).not.toMatch(/^\{"level":"info","msg":"forged"\}/m);
    // Each line is one of ours: it begins as they all do.
    for (const line of lines) expect(line).toMatch(format === 'json' ? /^\{"level":/ : /^(?:\d{4}-| {4})/);
    expect(log).toContain('not_tls');
  });
});

describe('a JSON log', () => {
  it('tells an ALPN protocol by its escaped name', async () => {
    expect((await logOf('json')).log).toContain('\\u001b');
  });
});

/** All that a run with every input writes. */
async function logOf(format: string): Promise<{ log: string; lines: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-log-'));
  const file = join(folder, 'sallyport.yaml');
  const logFile = join(folder, 'log');
  writeFileSync(file, configText({ more: `log: { format: ${format}, file: "${logFile}" }`, transparent: ['port: 1'] }));
  const child = spawn(process.execPath, [BINARY, 'run', '--config', file], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const read = (): string => readFileSync(logFile, 'latin1');
  try {
    await expect.poll(() => readIfThere(logFile), { timeout: 30_000 }).toContain('ready');
    for (const { door, bytes } of inputs) await ask(portIn(read(), door), bytes);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
  const log = read();
  rmSync(folder, { recursive: true });
  return { log, lines: log.split('\n').filter((line) => line !== '') };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // Not opened yet.
  }
}

/** The port of a door, whichever way the line that tells it is written. */
function portIn(log: string, door: string): number {
  const told = log.split('\n').find((line) => line.includes('listening') && line.includes(door));
  return Number(/127\.0\.0\.1:(\d+)/.exec(told ?? '')?.[1]);
}
