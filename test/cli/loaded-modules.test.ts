/**
 * What a command loads. Each file takes half a millisecond of CPU at every start, and a successor starts while clients are served: so the
 * program runs from its bundle, which the set-up makes (`node apps/sallyport/setup.js`) and which must not be older than what was compiled.
 */
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
  /** How many files of the program and its libraries. */
  readonly count: number;
  /** How many functions were compiled from a string. */
  readonly generated: number;
  readonly builtins: readonly string[];
}

/** Reads what was recorded of the last program that has ended. */
function loaded(): Loaded {
  const { files, builtins } = JSON.parse(readFileSync(record, 'utf8')) as { files: string[]; builtins: string[] };
  const packages = files.flatMap((file) => {
    const bundled = /\/dist\/bundle\/(?:packages\/)?(.*)\.js$/.exec(file)?.[1];
    const library = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
    if (bundled !== undefined) return bundled.startsWith('shared/') ? [] : [bundled];
    return library === undefined || library === 'sallyport' ? [] : [library];
  });
  return {
    packages: [...new Set(packages)].sort(),
    count: files.filter((file) => file.startsWith('file:') || file.startsWith('/')).length,
    generated: files.filter((file) => file === '').length,
    builtins,
  };
}

const POLICY = ['addresses', 'config', 'lru-cache', 'policy', 'resolver', 'tunnel-splice', 'yaml', 'zod'] as const;

describe('sallyport loads only what a command needs', () => {
  it.each([
    { args: ['--version'], packages: [], most: 10 },
    { args: ['check', '--config', config], packages: ['commands/check', ...POLICY], most: 30 },
    {
      args: ['explain', '--config', config, '--client', '127.0.0.1', '--to', '192.0.2.1:443'],
      code: 3,
      packages: ['commands/explain', ...POLICY, 'telemetry', 'tunnel-server'],
      most: 40,
    },
  ])('for $args.0', async ({ args, code = 0, packages, most }) => {
    expect(await sallyport(args, env)).toMatchObject({ code });
    expect(loaded()).toMatchObject({ packages: ['main', ...packages].sort(), generated: 0 });
    expect(loaded().count).toBeLessThan(most);
  });

  it('for run, without what this configuration does not use, and without what Node.js has for fetch and WebSocket', async () => {
    const running = await startSallyport(CONFIG, { env });
    await running.stop();
    const { packages, builtins } = loaded();
    expect(packages).toEqual(expect.arrayContaining(['tunnel-server', 'pino', 'prom-client', 'zod']));
    expect(packages).not.toContain('@opentelemetry/api');
    expect(packages).not.toContain('@redis/client');
    expect(packages).not.toContain('tldts');
    expect(builtins.filter((name) => name.includes('undici'))).toEqual([]);
  });
});
