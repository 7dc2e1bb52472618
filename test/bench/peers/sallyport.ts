/** Sallyport itself: both engines, with and without its access log. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sallyportBinary, serverName } from '../places.ts';
import {
  type Command,
  everyScenario,
  type Found,
  type Peer,
  type Place,
  type ScenarioName,
  setUpScenarios,
  tunnelSeconds,
} from './peer.ts';
import { outputOf, versionIn } from './version.ts';

interface Variant {
  readonly engine: 'native' | 'portable';
  readonly threads: number;
  readonly hasAccessLog: boolean;
}

const logged: readonly ScenarioName[] = [...setUpScenarios, 'garbage'];

export const sallyportPeers: readonly Peer[] = [
  variant('native', 'Sallyport native', [...everyScenario, 'garbage', 'two-threads'], { engine: 'native' }),
  variant('native-log', 'Sallyport native, JSON log', logged, { engine: 'native', hasAccessLog: true }),
  variant('native-2', 'Sallyport native, 2 threads', ['two-threads'], { engine: 'native', threads: 2 }),
  variant('portable', 'Sallyport portable', [...everyScenario, 'garbage'], { engine: 'portable' }),
  variant('portable-log', 'Sallyport portable, JSON log', logged, { engine: 'portable', hasAccessLog: true }),
];

function variant(
  id: string,
  label: string,
  scenarios: readonly ScenarioName[],
  { engine, threads = 1, hasAccessLog = false }: Pick<Variant, 'engine'> & Partial<Variant>,
): Peer {
  const wanted = { engine, threads, hasAccessLog };
  return {
    id: `sallyport-${id}`,
    label,
    doors: ['sni', 'connect'],
    scenarios,
    ...(hasAccessLog && { withoutLog: `sallyport-${engine}` }),
    find: () => find(wanted),
  };
}

function find(wanted: Variant): Found {
  const version = `Sallyport ${versionIn(outputOf(process.execPath, [sallyportBinary, '--version']) ?? '')}`;
  const runtime = `runtime: { engine: ${wanted.engine}, threads: ${wanted.threads} }`;
  if (isValid(runtime)) return present(version, runtime, wanted);
  if (wanted.engine === 'portable' && isValid('')) return present(version, '', wanted);
  return { kind: 'missing', why: `${version} has no runtime.engine` };
}

function present(version: string, runtime: string, { hasAccessLog }: Variant): Found {
  return { kind: 'present', version, configure: (place) => configure(place, runtime, hasAccessLog) };
}

/** Whether this build knows the section: one without the native engine has no `runtime` yet. */
function isValid(runtime: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const place = { folder, ports: { sni: 20_001, connect: 20_002 }, sparePort: 20_003, originPort: 20_004 };
    const { files } = configure(place, runtime, false);
    const [[name, text] = ['', '']] = Object.entries(files);
    writeFileSync(join(folder, name), text);
    return spawnSync(process.execPath, [sallyportBinary, 'check', '--config', join(folder, name)]).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function configure({ ports, sparePort, originPort }: Place, runtime: string, hasAccessLog: boolean): Command {
  const text = `listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:${ports.connect}" }
  - { name: transparent, mode: sni, bind: "127.0.0.1:${ports.sni}", port: ${originPort} }
policy:
  rules:
    - { name: bench, action: allow, clients: [loopback] }
  destinations: { allow: [loopback] }
dns: { hosts: { "${serverName}": ["127.0.0.1"] } }
timeouts: { idle: ${tunnelSeconds}s }
limits: { tunnels: 20000, tunnels_per_client: 20000 }
admin: { bind: "127.0.0.1:${sparePort}" }
log: { access: ${hasAccessLog}, file: /dev/null }
${runtime}
`;
  return {
    argv: [process.execPath, sallyportBinary, 'run', '--config', 'sallyport.yaml'],
    files: { 'sallyport.yaml': text },
  };
}
