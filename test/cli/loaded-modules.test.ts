/** What a command loads. Each file takes half a millisecond of CPU at every start, and a successor starts while clients are served. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sallyport, startSallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-modules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CONFIG = 'listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]\nadmin: { bind: "127.0.0.1:0" }\n';
const config = join(folder, 'sallyport.yaml');
writeFileSync(config, CONFIG);

const record = join(folder, 'modules.json');
const recorder = new URL('record-modules.js', import.meta.url).href;
const env = { NODE_OPTIONS: `--import ${recorder}`, RECORD_MODULES: record };

interface Loaded {
  readonly packages: readonly string[];
  /** How many functions were compiled from a string. */
  readonly generated: number;
  readonly builtins: readonly string[];
}

/** Reads what was recorded of the last program that has ended. */
function loaded(): Loaded {
  const { files, builtins } = JSON.parse(readFileSync(record, 'utf8')) as { files: string[]; builtins: string[] };
  const packages = files.flatMap((file) => {
    const library = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
    const own = /\/(?:packages|apps)\/([^/]+)\/dist\//.exec(file)?.[1];
    return library ?? (own === undefined ? [] : [`ours: ${own}`]);
  });
  return { packages: [...new Set(packages)].sort(), generated: files.filter((file) => file === '').length, builtins };
}

const POLICY = ['ours: addresses', 'ours: config', 'ours: policy', 'ours: resolver', 'ours: sallyport'] as const;

describe('sallyport loads only what a command needs', () => {
  it.each([
    { args: ['--version'], packages: ['ours: sallyport'] },
    {
      args: ['check', '--config', config],
      packages: ['lru-cache', ...POLICY, 'ours: tunnel-splice', 'yaml', 'zod'],
    },
    {
      args: ['explain', '--config', config, '--client', '127.0.0.1', '--to', '192.0.2.1:443'],
      code: 3,
      packages: [
        'lru-cache',
        ...POLICY,
        'ours: telemetry',
        'ours: tunnel-server',
        'ours: tunnel-splice',
        'yaml',
        'zod',
      ],
    },
  ])('for $args.0', async ({ args, code = 0, packages }) => {
    expect(await sallyport(args, env)).toMatchObject({ code });
    expect(loaded()).toMatchObject({ packages, generated: 0 });
  });

  it('for run, without what this configuration does not use, and without what Node.js has for fetch and WebSocket', async () => {
    const running = await startSallyport(CONFIG, { env });
    await running.stop();
    const { packages, builtins } = loaded();
    expect(packages).toEqual(expect.arrayContaining(['ours: tunnel-server', 'pino', 'prom-client', 'zod']));
    expect(packages).not.toContain('@opentelemetry/api');
    expect(packages).not.toContain('@redis/client');
    expect(packages).not.toContain('tldts');
    expect(builtins.filter((name) => name.includes('undici'))).toEqual([]);
  });
});
