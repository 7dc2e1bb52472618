/** The real binary, run from a YAML text in a folder of its own; its log lines are events to wait for. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { logLineSchema } from '@sallyport/telemetry';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { engineFields } from './config-text.ts';
import { PATIENCE_MS } from './patience.ts';

/** What `npx sallyport` runs. */
export const BINARY = fileURLToPath(new URL('../../../apps/sallyport/bin/sallyport.js', import.meta.url));

/** `SALLYPORT_TEST_PROGRAM`, words with spaces between, is run in its place: an installed program, or one of another machine in an emulator. */
const PROGRAM = process.env['SALLYPORT_TEST_PROGRAM']?.split(' ');

function commandLine(args: readonly string[], nodeOptions: readonly string[] = []): readonly string[] {
  return [...(PROGRAM ?? [process.execPath, ...nodeOptions, BINARY]), ...args];
}

/** Which engine the end-to-end tests try now; none where other tests start the program. */
const ENGINE = process.env['SALLYPORT_TEST_ENGINE'];

/** One parsed line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What a tunnel's access-log line is asked to show: every field given must be equal. */
export type Expected = Readonly<Record<string, unknown>>;

export interface Running {
  readonly process: ChildProcess;
  readonly folder: string;
  readonly configFile: string;
  /** Every log line so far. */
  readonly lines: readonly LogLine[];
  readonly stderr: () => string;
  /** The port that a listener, or `admin`, is bound to. */
  port(listener: string): number;
  /** The first line, past (from index `from` on) or to come, with these fields; rejects after {@link PATIENCE_MS} with all lines seen since. */
  line(expected: Expected, from?: number): Promise<LogLine>;
  /** The first access-log line with these fields. */
  tunnel(expected?: Expected): Promise<LogLine>;
  /** The value of one series, spelled as in the exposition: `tunnels_active{listener="explicit"}`; undefined where there is none. */
  metric(series: string): Promise<number | undefined>;
  /** Writes a new configuration and sends SIGHUP; resolves with the line that tells how it went. */
  reload(yaml: string): Promise<LogLine>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

export interface StartOptions {
  /** Files to lay beside the configuration: name to text. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** Called as soon as there is a process, with its configuration. */
  readonly onSpawned?: (child: ChildProcess, configFile: string) => void;
  /** A program that becomes Sallyport, with its arguments: `ip netns exec NAME` and the like. */
  readonly under?: readonly string[];
}

/** Runs a command of the binary to its end. */
export async function sallyport(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const [program = process.execPath, ...rest] = commandLine(args);
  const child = spawn(program, rest, { env: { ...usersEnv(), ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

/** Starts `sallyport run` and resolves once it is ready; rejects with its stderr when it ends before that. */
export async function startSallyport(yaml: string, options: StartOptions = {}): Promise<Running> {
  // Every project of the suite would try it with the engine of this machine's choice.
  if (ENGINE !== undefined && !yaml.includes(engineFields())) throw new Error(`no engine is chosen:\n${yaml}`);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
  const configFile = join(folder, 'sallyport.yaml');
  writeFileSync(configFile, yaml);
  for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(folder, name), text);
  const command = commandLine(['run', '--config', configFile], options.nodeOptions);
  const [program = process.execPath, ...args] = [...(options.under ?? []), ...command];
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...usersEnv(), ...options.env },
  });
  options.onSpawned?.(child, configFile);
  const running = follow(child, folder, configFile);
  try {
    await running.line({ msg: 'ready' });
  } catch (cause) {
    child.kill('SIGKILL');
    throw cause;
  }
  return running;
}

/** As users have it: the wrapper that starts Vitest names a folder by which Node.js finds packages that it would not find otherwise. */
function usersEnv(): NodeJS.ProcessEnv {
  return { ...process.env, NODE_PATH: undefined };
}

function follow(child: ChildProcess, folder: string, configFile: string): Running {
  const log = new FollowedLog(child);
  const ended = once(child, 'close').then(() => {
    rmSync(folder, { recursive: true, force: true });
    log.end();
    return child.exitCode;
  });
  const line = (expected: Expected, from = 0): Promise<LogLine> => log.lineOf([expected], from);
  const port = (listener: string): number => portIn(log.lines, listener);
  return {
    process: child,
    folder,
    configFile,
    lines: log.lines,
    stderr: () => log.stderr,
    port,
    line,
    tunnel: (expected = {}) => line({ msg: 'tunnel', ...expected }),
    metric: (series) => readMetric(port('admin'), series),
    reload: async (yaml) => {
      const before = log.lines.length;
      writeFileSync(configFile, yaml);
      child.kill('SIGHUP');
      return log.lineOf([{ msg: 'reloaded' }, { msg: 'reload failed' }], before);
    },
    stop: async () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** What a process writes, and who waits for a line of it. */
class FollowedLog {
  readonly lines: LogLine[] = [];
  stderr = '';
  readonly #waiting = new Set<() => void>();
  #hasEnded = false;

  constructor({ stdout, stderr }: ChildProcess) {
    stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    if (stdout === null) return;
    createInterface({ input: stdout }).on('line', (text) => {
      this.lines.push(parseLine(text));
      this.#wake();
    });
  }

  /** No line is to come: whoever waits for one is told. */
  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** The first line from index `from` on, past or to come, that is as one of `expected` says. */
  lineOf(expected: readonly Expected[], from: number): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        finish();
      };
      const fail = (why: string): void => settle(() => reject(this.#without(expected, from, why)));
      let next = from;
      const check = (): void => {
        const found = this.lines.slice(next).find((line) => expected.some((one) => matches(line, one)));
        next = this.lines.length;
        if (found !== undefined) settle(() => resolve(found));
        else if (this.#hasEnded) fail('sallyport ended without the line');
      };
      const timer = setTimeout(() => fail(`no log line in ${PATIENCE_MS / 1000} s with`), PATIENCE_MS);
      this.#waiting.add(check);
      check();
    });
  }

  #without(expected: readonly Expected[], from: number, why: string): Error {
    const seen = this.lines.slice(from).map((line) => JSON.stringify(line));
    return new Error([why, JSON.stringify(expected), ...seen, this.stderr].join('\n'));
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check();
  }
}

function portIn(lines: readonly LogLine[], listener: string): number {
  const found = lines.find((line) => matches(line, { msg: 'listening', listener }));
  return Number(String(found?.['address']).split(':').at(-1));
}

async function readMetric(adminPort: number, series: string): Promise<number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const found = text.split('\n').find((sample) => sample.startsWith(`sallyport_${series} `));
  return found === undefined ? undefined : Number(found.split(' ').at(-1));
}

/** Throws, and so ends the test run, where a line is not as `sallyport schema --log` has it. */
function parseLine(text: string): LogLine {
  const parsed: unknown = JSON.parse(text);
  if (!isLogLine(parsed))
    throw new Error(`not a line of the log's schema: ${text} ${JSON.stringify(isLogLine.errors)}`);
  return parsed;
}

const isLogLine = new Ajv2020().compile<LogLine>(logLineSchema());

function matches(line: LogLine, expected: Expected): boolean {
  return Object.entries(expected).every(([key, value]) => line[key] === value);
}
