/** What `run` tells a person at a terminal, and keeps from everything else. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BINARY, startSallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-banner-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CONFIG = `listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:0" }
  - { name: t, mode: sni, bind: "127.0.0.1:0" }
admin: { bind: "127.0.0.1:0" }
policy: { rules: [{ action: allow, hosts: ["*.example.net", api.example.com], ports: [443] }] }
`;

/** Runs on a terminal of its own (script, of bsdutils), and ends with what it showed once it was ready. */
async function onTerminal(command: string): Promise<string> {
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  let isStopped = false;
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    if (!/ready/.test(shown) || isStopped) return;
    isStopped = true;
    child.stdin.write('\u0003');
  });
  await once(child, 'close');
  return shown.replaceAll('\r\n', '\n');
}

describe('sallyport run', () => {
  const config = join(folder, 'sallyport.yaml');
  writeFileSync(config, CONFIG);
  const command = `${process.execPath} ${BINARY} run --config ${config}`;

  it('greets a terminal with its doors, its policy, its admin server and two commands to try', async () => {
    const shown = await onTerminal(command);
    const [, port = ''] = /explicit {2}explicit door on 127\.0\.0\.1:(\d+)\n/.exec(shown) ?? [];
    expect(shown).toMatch(/ {2}t {9}transparent door on 127\.0\.0\.1:\d+\n/);
    expect(shown).toContain('  policy    1 rule, default deny\n');
    expect(shown).toMatch(/ {2}admin {5}http:\/\/127\.0\.0\.1:\d+\/\n/);
    expect(shown).toContain(`  curl --proxy http://127.0.0.1:${port} https://api.example.com/\n`);
    expect(shown).toContain(`explain --config ${config} --client 127.0.0.1 --to api.example.com:443\n`);
  });

  it('keeps it from a log that goes to a file or a pipe', async () => {
    const shown = await onTerminal(`${command} | cat`);
    expect(shown.split('\n').filter((line) => line.startsWith('Sallyport'))).toEqual([]);
    const running = await startSallyport(CONFIG);
    expect(running.stderr()).toBe('');
    await running.stop();
  });
});
