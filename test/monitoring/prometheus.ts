/** Debian's Prometheus, on a free port, with the configuration that the project ships. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { freePort, untilOpen } from '../e2e/harness/ports.ts';

export const PROMETHEUS_FOLDER = fileURLToPath(new URL('../../configs/prometheus/', import.meta.url));

/** Why nothing can be asked of Prometheus here, if so. */
export function whyNoPrometheus(): string | undefined {
  const isThere = ['prometheus', 'promtool'].every((program) => spawnSync(program, ['--version']).status === 0);
  return isThere ? undefined : 'there is no prometheus';
}

/** One series of an answer: its labels, and the value that it has now. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  /** Evaluates an expression now. Rejects with Prometheus's own words where it is none. */
  query(expression: string): Promise<readonly Sample[]>;
  /** `data` of another page of the API, as it came. */
  api(path: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** Twice a second in place of every 15 s, so that a test need not wait. */
const INTERVAL = '500ms';

/** @param target what is scraped, `host:port` */
export async function startPrometheus(target: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  cpSync(PROMETHEUS_FOLDER, folder, { recursive: true });
  const configFile = join(folder, 'prometheus.yml');
  writeFileSync(configFile, pointAt(target, readFileSync(configFile, 'utf8')));
  const port = await freePort();
  const args = [`--config.file=${configFile}`, `--storage.tsdb.path=${join(folder, 'data')}`, '--log.level=error'];
  const child = spawn('prometheus', [...args, `--web.listen-address=127.0.0.1:${port}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true });
  };
  await untilOpen(child, port).catch(async (cause: unknown) => {
    await stop();
    throw cause;
  });
  const api = (path: string): Promise<unknown> => ask(`http://127.0.0.1:${port}/api/v1/${path}`);
  return {
    query: async (expression) => readSamples(await api(`query?query=${encodeURIComponent(expression)}`)),
    api,
    stop,
  };
}

function pointAt(target: string, text: string): string {
  const shipped: unknown = parse(text);
  const { rule_files, scrape_configs } = shipped as { rule_files: string[]; scrape_configs: { job_name: string }[] };
  return stringify({
    global: { scrape_interval: INTERVAL, evaluation_interval: INTERVAL },
    rule_files,
    scrape_configs: scrape_configs.map(({ job_name }) => ({ job_name, static_configs: [{ targets: [target] }] })),
  });
}

async function ask(url: string): Promise<unknown> {
  const response = await fetch(url);
  const { status, error, data } = (await response.json()) as { status: string; error?: string; data: unknown };
  if (status !== 'success') throw new Error(`${url}: ${error ?? status}`);
  return data;
}

function readSamples(data: unknown): readonly Sample[] {
  const { result } = data as { result: { metric: Record<string, string>; value: [number, string] }[] };
  return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
}
