/** What becomes of a command's answer where it cannot be printed. */
import { spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BINARY } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-print-'));
const config = join(folder, 'sallyport.yaml');
writeFileSync(config, 'listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\nadmin: { bind: "127.0.0.1:0" }\n');
const log = join(folder, 'access.log');
writeFileSync(
  log,
  '{"time":"2026-11-23T12:00:00.000Z","rule":"r","decision":"allow","client":"10.0.0.7","host":"a.test","port":443,"msg":"tunnel"}\n',
);

const commands = [
  { args: ['--help'], code: 0 },
  { args: ['--version'], code: 0 },
  { args: ['check', '--help'], code: 0 },
  { args: ['check', '--config', config], code: 0 },
  { args: ['explain', '--config', config, '--client', '10.0.0.7', '--to', '127.0.0.1:443'], code: 3 },
  { args: ['learn', '--log', log], code: 0 },
  { args: ['summary', '--log', log], code: 0 },
  { args: ['groups'], code: 0 },
  { args: ['groups', 'npm'], code: 0 },
  { args: ['init', '--for', 'agents'], code: 0 },
  { args: ['schema'], code: 0 },
];

async function run(args: readonly string[], stdio: StdioOptions): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [BINARY, ...args], { stdio });
  // The reader leaves before anything is printed.
  child.stdout?.destroy();
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, stderr };
}

describe('standard output', () => {
  it.each(commands)('without a reader changes no exit code: $args', async ({ args, code }) => {
    expect(await run(args, ['ignore', 'pipe', 'pipe'])).toEqual({ code, stderr: '' });
  });

  it.each(commands)('on a full disk is a failure, told in one line: $args', async ({ args }) => {
    const full = openSync('/dev/full', 'w');
    const { code, stderr } = await run(args, ['ignore', full, 'pipe']);
    closeSync(full);
    expect(stderr).toBe('sallyport: standard output cannot be written (ENOSPC); what was printed is not whole\n');
    expect(code).toBe(1);
  });
});

describe('standard error', () => {
  it('on a full disk changes no exit code', async () => {
    const full = openSync('/dev/full', 'w');
    const { code } = await run(['check', '--config', join(folder, 'none.yaml')], ['ignore', 'ignore', full]);
    closeSync(full);
    expect(code).toBe(2);
  });
});
