/** Debian's rsyslog as a collector over TLS: each message that it takes is a line of a file. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificates } from '../e2e/harness/certificates.ts';
import { freePort, untilOpen } from '../e2e/harness/ports.ts';

export interface Rsyslog {
  readonly port: number;
  /** The messages so far. */
  messages(): readonly string[];
  /** Starts it again, on the same port, after `kill`. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** For good. */
  stop(): Promise<void>;
}

/** Undefined where it is there, with its driver for TLS. */
export function whyNoRsyslog(): string | undefined {
  if (spawnSync('sh', ['-c', 'command -v rsyslogd']).status !== 0) return 'rsyslog is not installed';
  const isThere = spawnSync('sh', ['-c', 'ls /usr/lib/*/rsyslog/lmnsd_ossl.so']).status === 0;
  return isThere ? undefined : 'rsyslog-openssl is not installed';
}

export async function startRsyslog({ caFile, cert, key }: Certificates): Promise<Rsyslog> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-rsyslog-'));
  const file = (name: string): string => join(folder, name);
  const port = await freePort();
  writeFileSync(file('cert.pem'), cert);
  writeFileSync(file('key.pem'), key);
  writeFileSync(
    file('rsyslog.conf'),
    `global(workDirectory="${folder}" defaultNetstreamDriverCAFile="${caFile}"
  defaultNetstreamDriverCertFile="${file('cert.pem')}" defaultNetstreamDriverKeyFile="${file('key.pem')}")
module(load="imtcp")
template(name="whole" type="string" string="%rawmsg%\\n")
ruleset(name="all") { action(type="omfile" file="${file('messages')}" template="whole") }
input(type="imtcp" port="${port}" address="127.0.0.1" ruleset="all"
  streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
`,
  );
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const args = ['-n', '-f', file('rsyslog.conf'), '-i', file('pid')];
    child = spawn('rsyslogd', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    await untilOpen(child, port);
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    rmSync(file('pid'), { force: true });
  };
  await start();
  return {
    port,
    messages: () => (existsSync(file('messages')) ? readFileSync(file('messages'), 'utf8').trimEnd().split('\n') : []),
    start,
    kill,
    stop: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
