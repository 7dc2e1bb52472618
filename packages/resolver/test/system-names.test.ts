import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Answer } from '../src/answer.ts';
import { Resolver } from '../src/resolver.ts';
import { SystemNames, type SystemFiles } from '../src/system-names.ts';

let folder: string;
let systemFiles: SystemFiles;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-names-'));
  systemFiles = { resolvConf: join(folder, 'resolv.conf'), hosts: join(folder, 'hosts') };
});

afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

describe('SystemNames', () => {
  it('reads a file again when it has changed, and looks no more than once a second', async () => {
    await writeFile(systemFiles.hosts, '10.0.0.1 one.example');
    const names = new SystemNames(systemFiles, 1000, () => undefined);
    expect([...names.source(0).hosts.keys()]).toEqual(['one.example']);
    await replace(systemFiles.hosts, '10.0.0.1 two.example');
    expect([...names.source(999).hosts.keys()]).toEqual(['one.example']);
    expect([...names.source(1000).hosts.keys()]).toEqual(['two.example']);
  });

  it('does without files that are not there, and takes them when they come', async () => {
    const names = new SystemNames(systemFiles, 1000, () => undefined);
    expect(names.source(0).hosts.size).toBe(0);
    await writeFile(systemFiles.hosts, '10.0.0.1 one.example');
    expect(names.source(1000).hosts.size).toBe(1);
    await rm(systemFiles.hosts);
    expect(names.source(2000).hosts.size).toBe(0);
  });

  it('says when the servers may be others, not when only the hosts are', async () => {
    const changed = vi.fn();
    const names = new SystemNames(systemFiles, 1000, changed);
    names.source(0);
    changed.mockClear();
    await writeFile(systemFiles.hosts, '10.0.0.1 one.example');
    names.source(1000);
    expect(changed).not.toHaveBeenCalled();
    await writeFile(systemFiles.resolvConf, 'nameserver 127.0.0.1');
    names.source(2000);
    expect(changed).toHaveBeenCalledOnce();
  });
});

describe('Resolver, on the system’s names', () => {
  it.each([
    { title: 'the hosts file', name: 'listed.example', found: ['::2', '10.0.0.1'] },
    { title: 'its own table before the hosts file', name: 'pinned.example', found: ['10.9.9.9'] },
    { title: 'the hosts file before the meaning of localhost', name: 'db.localhost', found: ['10.0.0.3'] },
    {
      title: 'the meaning of localhost where the hosts file is silent',
      name: 'localhost',
      found: ['::1', '127.0.0.1'],
    },
  ])('takes $title', async ({ name, found }) => {
    const lines = ['10.0.0.1 listed.example', '::2 Listed.Example', '10.0.0.2 pinned.example', '10.0.0.3 db.localhost'];
    await writeFile(systemFiles.hosts, lines.join('\n'));
    const cache = { entries: 10, min_ttl: 1000, max_ttl: 1000, negative_ttl: 1000, stale_if_error: 0 };
    const dns = { hosts: { 'pinned.example': ['10.9.9.9'] }, family: 'auto', cache, timeout: 500 } as const;
    const resolver = new Resolver(dns, { systemFiles });
    expect(texts(resolver.peek(name))).toEqual(found);
  });
});

describe('a name server with a zone', () => {
  it('fails every look-up at once, where it is the only one, and says what to do', async () => {
    await writeFile(systemFiles.resolvConf, 'nameserver fe80::53%eth0');
    const cache = { entries: 10, min_ttl: 1000, max_ttl: 1000, negative_ttl: 1000, stale_if_error: 0 };
    const resolver = new Resolver({ hosts: {}, family: 'auto', cache, timeout: 20_000 }, { systemFiles });
    expect(await resolver.resolve('some.example', 'client').done).toMatchObject({
      kind: 'failed',
      reason: 'dns',
      detail:
        'the name server fe80::53%eth0 has a zone, and such a server cannot be asked; name another in dns.servers',
    });
  });
});

describe('a look-up under way while the servers change', () => {
  it('serves those that began it, and whoever comes later has one of the new servers', async () => {
    await writeFile(systemFiles.resolvConf, 'nameserver 127.0.0.1');
    const cache = { entries: 10, min_ttl: 1000, max_ttl: 1000, negative_ttl: 1000, stale_if_error: 0 };
    const resolver = new Resolver({ hosts: {}, family: 'ipv4', cache, timeout: 500 }, { systemFiles });
    vi.useFakeTimers({ toFake: ['performance'] });
    const early = resolver.resolve('slow.example', 'early');
    expect(resolver.resolve('slow.example', 'second').done).toBe(early.done);
    await replace(systemFiles.resolvConf, 'nameserver 127.0.0.2');
    vi.advanceTimersByTime(1000);
    const late = resolver.resolve('slow.example', 'late');
    expect(late.done).not.toBe(early.done);
    expect(resolver.resolve('slow.example', 'later').done).toBe(late.done);
    await Promise.all([early.done, late.done]);
    resolver.close();
  });
});

/** As editors and network managers do. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

function texts(answer: Answer | undefined): string[] {
  return answer?.kind === 'addresses' ? answer.addresses.map((ip) => ip.text) : [];
}
