/** What README.md says of Sallyport beside its peers is asked of each of them, on loopback. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeNameServer, startNameServer, zone } from '../../packages/resolver/test/fake-name-server.ts';
import { claims, columns, type ProxyName, remedies } from './claims.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { hosts, openOrigins, type Origins } from './origins.ts';
import { whyNotTested } from './peer.ts';
import { probes } from './probes.ts';
import { type Proxy, startPeer } from './proxy.ts';
import { startOurs } from './sallyport.ts';
import { squid } from './squid.ts';

const isLinux = process.platform === 'linux';
if (!isLinux) console.warn('SKIPPED: the comparison with peers is not tested here, for this is not Linux');

const peers = { nginx, haproxy, squid } as const;
const obstacles: Readonly<Record<ProxyName, string | undefined>> = {
  sallyport: undefined,
  nginx: whyNotTested(nginx),
  haproxy: whyNotTested(haproxy),
  squid: whyNotTested(squid),
};
for (const [name, why] of Object.entries(obstacles))
  if (why !== undefined) console.warn(`SKIPPED: what README.md says of ${name} is not tested here: ${why}`);

describe.skipIf(!isLinux)('on a Linux machine', () => {
  let origins: Origins;
  let names: FakeNameServer;

  beforeAll(async () => {
    origins = await openOrigins();
    names = await startNameServer(
      zone(Object.fromEntries(Object.entries(hosts).map(([name, ip]) => [`${name} A`, [ip]]))),
    );
  });
  afterAll(async () => {
    origins.close();
    await names.stop();
  });

  async function start(name: ProxyName, extra = ''): Promise<Proxy> {
    if (name === 'sallyport') return startOurs(origins.port);
    return startPeer(peers[name], { originPort: origins.port, nameServerPort: names.address.port, hosts, extra });
  }

  describe.each(columns)('the column $heading', ({ id, proxy: name, door }) => {
    const asked = claims.flatMap(({ what, probe, answers }) => {
      const answer = answers[id];
      return answer === undefined ? [] : [[what, answer, probe] as const];
    });

    describe.skipIf(obstacles[name] !== undefined)('with a plain configuration', () => {
      let proxy: Proxy;
      beforeAll(async () => {
        proxy = await start(name);
      });
      afterAll(() => proxy.stop());

      it.each(asked)('%s: %s', async (_what, answer, probe) => {
        expect(await probes[probe]({ proxy, door, origins })).toBe(answer);
      });
    });
  });

  describe.each(remedies)('$proxy with `$line`', ({ proxy: name, probe, line, answer }) => {
    it.skipIf(obstacles[name] !== undefined)(`answers ${probe} with: ${answer}`, async () => {
      const proxy = await start(name, line);
      try {
        expect(await probes[probe]({ proxy, door: peers[name].door, origins })).toBe(answer);
      } finally {
        await proxy.stop();
      }
    });
  });
});

describe('squid', () => {
  it('shares no memory with another that runs at the same time: its name is that of its folder', () => {
    const nameOf = (folder: string): string | undefined => {
      const place = { folder, port: 1, originPort: 2, nameServerPort: 3, hosts: {}, extra: '' };
      const { args } = squid.configure(place);
      return args[args.indexOf('-n') + 1];
    };
    expect(nameOf('/tmp/interop-aB3xYz')).toBe('interopaB3xYz');
  });
});

describe('README.md', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const section = /^## How it compares\n(.*?)^## /ms.exec(readme)?.[1] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));

  it('has the table that is tested, cell by cell', () => {
    const cells = rows.map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    const [heading, , ...body] = cells;
    expect(heading).toEqual(['', ...columns.map(({ heading }) => heading)]);
    expect(body).toEqual(claims.map(({ what, answers }) => [what, ...columns.map(({ id }) => answers[id] ?? '–')]));
  });

  it.each(Object.values(peers))('says that $program $release was asked', ({ program, release }) => {
    expect(section).toMatch(new RegExp(`${program} ${release.replace('.', '\\.')}`, 'i'));
  });

  it.each(remedies)('names `$line`', ({ line }) => {
    expect(section).toContain(`\`${line}\``);
  });
});
