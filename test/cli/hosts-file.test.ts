/** `hosts_file` as an operator meets it: what is wrong with a list is told by its own lines, and a long one loads at once. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-hosts-file-'));

function configWith(rule: string): string {
  const path = join(folder, 'lists.yaml');
  writeFileSync(
    path,
    `listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\npolicy:\n  rules:\n    - ${rule}\n`,
  );
  return path;
}

function list(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

describe('sallyport check', () => {
  it('takes a list relative to the configuration, and accepts a byte order mark', async () => {
    list('allowed.txt', '\uFEFFa.example\r\n# comment\r\n\r\n*.b.example\r\n');
    const { code, stderr } = await sallyport([
      'check',
      '--config',
      configWith('{ action: allow, hosts_file: allowed.txt }'),
    ]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('tells of malformed lines by file, line and column, and exits 2', async () => {
    list('wrong.txt', 'a.example\n  https://b.example/\n\n192.0.2.1\n');
    const { code, stderr } = await sallyport([
      'check',
      '--config',
      configWith('{ action: allow, hosts_file: wrong.txt }'),
    ]);
    const path = join(folder, 'wrong.txt');
    expect(stderr.trim().split('\n')).toEqual([
      `${path}:2:3: policy.rules[0].hosts_file: "https://b.example/" is no host name; write the name alone, without scheme or path`,
      `${path}:4:1: policy.rules[0].hosts_file: "192.0.2.1" is an IP address or network; list it in networks`,
    ]);
    expect(code).toBe(2);
  });

  it.each([
    ['absent.txt', 'does not exist; paths are relative to the configuration file'],
    ['.', 'is a directory; name a file in it'],
    ['/dev/zero', 'is no regular file; name one'],
  ])('tells at the key that %s cannot be read', async (name, why) => {
    const config = configWith(`{ action: allow, hosts_file: "${name}" }`);
    const { code, stderr } = await sallyport(['check', '--config', config]);
    expect(stderr).toMatch(/lists\.yaml:4:36: policy\.rules\[0\]\.hosts_file: /);
    expect(stderr).toContain(why);
    expect(code).toBe(2);
  });

  it('loads a million lines at once', { timeout: 90_000 }, async () => {
    const names = Array.from({ length: 1_000_000 }, (_, at) =>
      at % 2 === 0 ? `host-${at}.example.com` : `*.zone-${at}.example.net`,
    );
    const secondsFor = async (count: number): Promise<number> => {
      list('million.txt', names.slice(0, count).join('\n'));
      const startedAt = performance.now();
      const { code } = await sallyport(['check', '--config', configWith('{ action: allow, hosts_file: million.txt }')]);
      expect(code).toBe(0);
      return (performance.now() - startedAt) / 1000;
    };
    const ofFew = await secondsFor(names.length / 32);
    // Some ten times as long, for most of the one is the start of Node. A walk for each line would take hours.
    expect(await secondsFor(names.length)).toBeLessThan(100 * ofFew);
  });
});
