/** The configurations to start from: printed, in order as they are, and telling what they are for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-init-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const uses = ['agents', 'gateway', 'office', 'ci'] as const;

describe('sallyport init', () => {
  it.each(uses)('--for %s prints a configuration that check finds in order, with its tests', async (use) => {
    const { code, stdout, stderr } = await sallyport(['init', '--for', use]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^# Sallyport /);
    const file = join(folder, `${use}.yaml`);
    writeFileSync(file, stdout);
    const checked = await sallyport(['check', '--config', file]);
    expect(checked.stderr).toBe('');
    expect(checked.stdout).toMatch(/: ok\n[^]* tests: \d+ passed\n/);
  });

  it('asks nothing: without a use it exits 2 with one line', async () => {
    const { code, stdout, stderr } = await sallyport(['init']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe('sallyport: sallyport init needs --for agents|gateway|office|ci (see sallyport init --help)\n');
  });

  it('names the uses where it knows no such one', async () => {
    const { code, stderr } = await sallyport(['init', '--for', '../../etc/passwd']);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'sallyport: nothing to start from is named "../../etc/passwd"; name one of agents, gateway, office, ci\n',
    );
  });

  it('--help tells what each use is', async () => {
    const { stdout } = await sallyport(['init', '--help']);
    for (const use of uses) expect(stdout).toMatch(new RegExp(`^ {2}${use} +\\w`, 'm'));
  });
});
