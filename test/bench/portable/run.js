/**
 * Prints what the portable relay costs beside `a.pipe(b).pipe(a)` of plain Node: `node test/bench/portable/run.js`.
 * With `--json BYTES ROUNDS TUNNELS` it prints the bare figures.
 */
import { measureBulk, measureIdle } from './measure.js';

const [, , format, bytes = 512 * 1024 * 1024, rounds = 9, tunnels = 3000] = process.argv;
const variants = ['pipe', 'portable'];

const cpuSecondsPerGib = await measureBulk(variants, { rounds: Number(rounds), bytes: Number(bytes) });
const kibPerTunnel = await measureIdle(variants, { tunnels: Number(tunnels) });

if (format === '--json') console.log(JSON.stringify({ cpuSecondsPerGib, kibPerTunnel }));
else printTable();

function printTable() {
  console.log('| relay | bulk, CPU s/GiB | of pipe | idle tunnel, KiB |');
  console.log('|---|---|---|---|');
  for (const variant of variants) {
    const cpu = cpuSecondsPerGib[variant];
    const share = (cpu / cpuSecondsPerGib.pipe).toFixed(2);
    console.log(`| ${variant} | ${cpu.toFixed(2)} | ${share} | ${kibPerTunnel[variant].toFixed(1)} |`);
  }
}
