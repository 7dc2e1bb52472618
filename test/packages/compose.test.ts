/** The example for Compose, held to what it promises; no container is run here. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Service {
  readonly networks: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

const folder = fileURLToPath(new URL('../../configs/compose', import.meta.url));
const compose = parse(readFileSync(join(folder, 'compose.yml'), 'utf8')) as ComposeFile;
const services = Object.entries(compose.services);

describe('configs/compose', () => {
  it('leaves every service but Sallyport on networks without a way out, and publishes no port', () => {
    const closed = Object.keys(compose.networks).filter((name) => compose.networks[name]?.internal === true);
    const open = services.filter(([, { networks }]) => networks.some((name) => !closed.includes(name)));
    expect(open.map(([name]) => name)).toEqual(['sallyport']);
    expect(services.filter(([, { ports }]) => ports !== undefined)).toEqual([]);
    const [[, { networks }] = ['', { networks: [] }]] = open;
    expect(services.every(([, service]) => service.networks.some((name) => networks.includes(name)))).toBe(true);
  });

  it.each(services.flatMap(([, { volumes = [] }]) => volumes))('mounts %s, which is there', (volume) => {
    expect(existsSync(join(folder, volume.split(':')[0] ?? ''))).toBe(true);
  });

  it.skipIf(spawnSync('promtool', ['--version']).status !== 0)('has a configuration that Prometheus takes', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', '--syntax-only', 'prometheus.yml'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(status, stdout + stderr).toBe(0);
  });
});
