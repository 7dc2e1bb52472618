/**
 * What the ways out and in cost: the CPU of a set-up by an HTTP parent, and with PROXY protocol in and out, over that of a direct CONNECT
 * through the same process, in bursts that alternate.
 *
 * A wait costs CPU too. The proxy waits more often where a second proxy shares the load's core, since that core then sets the pace. So the
 * waits are printed, and two ways have no second proxy: there the origin takes the CONNECT or the header itself.
 *
 * Needs Linux, a C compiler and two cores. `npm run bench:ways -- --help` tells the options.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Load, startLoad } from './load.ts';
import { requireMachine } from './machine.ts';
import { countWaits, cpuMicroseconds } from './measure.ts';
import { freePort, type RunningProxy, startProxy } from './peers/start.ts';
import { loadCore, proxyCore, sallyportBinary, serverName } from './places.ts';
import { formatFigures, formatPlainTable } from './table.ts';

/** One line of the table each. */
interface Way {
  readonly label: string;
  readonly listener: 'straight' | 'parent' | 'origin-parent' | 'header-out' | 'header-in' | 'sni' | 'sni-header-out';
  /** Whose set-ups are the measure of these. */
  readonly over: string;
  readonly target: 'origin' | 'plain-door' | 'header-door';
}

const DIRECT = 'direct';
const TO_DOOR = 'direct, to an SNI door';
const SNI = 'SNI door, direct, to an SNI door';

const ways: readonly Way[] = [
  { label: DIRECT, listener: 'straight', over: DIRECT, target: 'origin' },
  { label: 'by an http parent', listener: 'parent', over: DIRECT, target: 'origin' },
  { label: 'by the origin as http parent', listener: 'origin-parent', over: DIRECT, target: 'origin' },
  { label: 'PROXY v1 in', listener: 'header-in', over: DIRECT, target: 'origin' },
  { label: 'PROXY v2 out', listener: 'header-out', over: DIRECT, target: 'origin' },
  { label: TO_DOOR, listener: 'straight', over: TO_DOOR, target: 'plain-door' },
  { label: 'PROXY v2 out, to an SNI door', listener: 'header-out', over: TO_DOOR, target: 'header-door' },
  { label: SNI, listener: 'sni', over: SNI, target: 'plain-door' },
  { label: 'SNI door, PROXY v2 out, to an SNI door', listener: 'sni-header-out', over: SNI, target: 'header-door' },
];

const AT_ONCE = 64;
const WARM_UPS = 8_000;
/** Until the last tunnels of a burst have ended at the proxy, too. */
const SETTLE_MS = 50;

const usage = `usage: npm run bench:ways -- [--bursts N] [--tunnels N] [--engine native|portable]

  --bursts N    bursts of each way (40)
  --tunnels N   tunnels of a burst (1000)
  --engine E    native or portable (native)
`;

await main();

async function main(): Promise<void> {
  // A signal ends the process by way of `exit`, where everything that was started is ended too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    const options = readOptions(process.argv.slice(2));
    requireMachine();
    const load = await startLoad();
    const ports = await choosePorts();
    const { pid } = await startBoth(load.originPort, ports, options.engine);
    process.stdout.write(`${format(await measure(load, pid, ports, options))}\n`);
    process.exit(0);
  } catch (cause) {
    process.stderr.write(`bench:ways: ${cause instanceof Error ? cause.message : String(cause)}\n`);
    process.exit(1);
  }
}

interface Options {
  readonly bursts: number;
  readonly tunnels: number;
  readonly engine: string;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== '--'),
    options: {
      bursts: { type: 'string', default: '40' },
      tunnels: { type: 'string', default: '1000' },
      engine: { type: 'string', default: 'native' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const [bursts, tunnels] = [Number(values.bursts), Number(values.tunnels)];
  if (!(bursts >= 1 && tunnels >= 1)) throw new Error('--bursts and --tunnels are counts');
  return { bursts, tunnels, engine: values.engine };
}

type Ports = Readonly<Record<Way['listener'] | Exclude<Way['target'], 'origin'> | 'upper', number>>;

async function choosePorts(): Promise<Ports> {
  return {
    straight: await freePort(),
    parent: await freePort(),
    'origin-parent': await freePort(),
    'header-out': await freePort(),
    'header-in': await freePort(),
    sni: await freePort(),
    'sni-header-out': await freePort(),
    upper: await freePort(),
    'plain-door': await freePort(),
    'header-door': await freePort(),
  };
}

/** The one that is measured, and beyond it, on the load's core, a second one that is its parent and its destination. */
async function startBoth(originPort: number, ports: Ports, engine: string): Promise<RunningProxy> {
  const rest = (adminPort: number): string => `dns: { hosts: { "${serverName}": ["127.0.0.1"] } }
limits: { tunnels: 20000, tunnels_per_client: 20000 }
admin: { bind: "127.0.0.1:${adminPort}" }
log: { access: false }
runtime: { engine: ${engine}, threads: 1 }
`;
  await start(ports.upper, originPort, loadCore, (adminPort) => {
    const connect = `{ name: upper, mode: connect, bind: "127.0.0.1:${ports.upper}" }`;
    const sni = `mode: sni, port: ${originPort}`;
    return `listeners:
  - ${connect}
  - { name: plain-door, bind: "127.0.0.1:${ports['plain-door']}", ${sni} }
  - { name: header-door, bind: "127.0.0.1:${ports['header-door']}", ${sni}, proxy_protocol: [loopback] }
policy:
  rules: [{ name: bench, action: allow, clients: [loopback] }]
  destinations: { allow: [loopback] }
${rest(adminPort)}`;
  });
  return start(ports.straight, originPort, proxyCore, (adminPort) => {
    const bind = (name: Way['listener'], mode = 'connect'): string =>
      `name: ${name}, mode: ${mode}, bind: "127.0.0.1:${ports[name]}"`;
    return `listeners:
  - { ${bind('straight')} }
  - { ${bind('parent')} }
  - { ${bind('origin-parent')} }
  - { ${bind('header-out')} }
  - { ${bind('header-in')}, proxy_protocol: [loopback] }
  - { ${bind('sni', 'sni')}, port: ${ports['plain-door']} }
  - { ${bind('sni-header-out', 'sni')}, port: ${ports['header-door']} }
egress:
  - { name: upper, type: http, address: "127.0.0.1:${ports.upper}" }
  - { name: origin, type: http, address: "127.0.0.1:${originPort}" }
  - { name: with-header, type: direct, proxy_protocol: v2 }
policy:
  rules:
    - { name: parent, action: allow, listeners: [parent], egress: upper }
    - { name: origin, action: allow, listeners: [origin-parent], egress: origin }
    - { name: header-out, action: allow, listeners: [header-out, sni-header-out], egress: with-header }
    - { name: bench, action: allow, clients: [loopback] }
  destinations: { allow: [loopback] }
${rest(adminPort)}`;
  });
}

function start(
  port: number,
  originPort: number,
  cores: string,
  configOf: (adminPort: number) => string,
): Promise<RunningProxy> {
  return startProxy(
    {
      kind: 'present',
      version: '',
      configure: ({ sparePort }) => ({
        argv: [process.execPath, sallyportBinary, 'run', '--config', 'sallyport.yaml'],
        files: { 'sallyport.yaml': configOf(sparePort) },
      }),
    },
    { doors: ['connect'], originPort, cores, ports: { connect: port } },
  );
}

/** Per tunnel, by burst. */
interface Figures {
  readonly cpuMicroseconds: number[];
  readonly waits: number[];
}

type Measured = ReadonlyMap<Way, Figures>;

async function measure(load: Load, pid: number, ports: Ports, { bursts, tunnels }: Options): Promise<Measured> {
  const figures = new Map<Way, Figures>(ways.map((way) => [way, { cpuMicroseconds: [], waits: [] }]));
  for (const way of ways) await burst(load, ports, way, WARM_UPS);
  for (let at = 0; at < bursts; at++) {
    process.stderr.write(`\r${at + 1}/${bursts}`);
    for (const [way, of] of at % 2 === 0 ? [...figures] : [...figures].reverse()) {
      const before = { cpu: cpuMicroseconds(pid), waits: countWaits(pid) };
      await burst(load, ports, way, tunnels);
      of.cpuMicroseconds.push((cpuMicroseconds(pid) - before.cpu) / tunnels);
      of.waits.push((countWaits(pid) - before.waits) / tunnels);
    }
  }
  process.stderr.write('\n');
  return figures;
}

async function burst(load: Load, ports: Ports, { listener, target }: Way, tunnels: number): Promise<void> {
  const connect = target === 'origin' ? load.originPort : ports[target];
  const header = listener === 'header-in' ? 1 : 0;
  const door = listener.startsWith('sni') ? 'sni' : 'connect';
  await load.run(door, ports[listener], {
    ...{ workload: 'set-up', tunnels, at_once: AT_ONCE },
    ...(door === 'connect' && { connect, header }),
  });
  await delay(SETTLE_MS);
}

function format(measured: Measured): string {
  const byLabel = new Map([...measured].map(([way, figures]) => [way.label, figures]));
  const lines = [...measured].map(([{ label, over }, figures]) => {
    const measure = byLabel.get(over)?.cpuMicroseconds ?? [];
    const { cpuMicroseconds: own, waits } = figures;
    const ratios = own.map((figure, at) => figure / (measure[at] ?? NaN));
    return [label, formatFigures(own, 1), formatFigures(waits, 2), over, formatFigures(ratios, 3)];
  });
  return formatPlainTable('Set-up by ways out and in', 'Medians of all bursts, CPU of the proxy alone.', [
    ['', 'CPU µs/tunnel', 'waits/tunnel', 'over', 'ratio'],
    ...lines,
  ]);
}
