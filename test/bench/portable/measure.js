/** What a relay costs: CPU seconds per GiB of a download, and KiB per idle tunnel, measured for the variants alternately. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const GIB = 1024 ** 3;
/** Tunnels that are open before the counting starts, so that code and heap are warm. */
const WARM_TUNNELS = 500;

/**
 * CPU seconds per GiB of each variant: the least of `rounds` downloads, after one that warms up. Whatever else the machine does while one
 * runs (caches that are shared, a core that is taken away) only adds to it.
 */
export function measureBulk(variants, { rounds, bytes }) {
  return withBench(variants, async ({ proxies, sink }) => {
    const costs = Object.fromEntries(variants.map((variant) => [variant, []]));
    for (let round = 0; round <= rounds; round += 1) {
      // In turns: what else the machine does meanwhile falls on all alike.
      for (const proxy of proxies) {
        const cpuSeconds = await costOfDownload(proxy, sink, bytes);
        if (round > 0) costs[proxy.variant].push(cpuSeconds * (GIB / bytes));
      }
    }
    return Object.fromEntries(variants.map((variant) => [variant, Math.min(...costs[variant])]));
  });
}

/** KiB (PSS) that each further idle tunnel costs. */
export async function measureIdle(variants, { tunnels }) {
  const costs = {};
  for (const variant of variants) {
    costs[variant] = await withBench([variant], async ({ proxies, sink }) => {
      const [{ process, port }] = proxies;
      await ask(sink, { port, tunnels: WARM_TUNNELS });
      const before = await ask(process, 'memory');
      await ask(sink, { port, tunnels });
      const after = await ask(process, 'memory');
      // A tunnel that is not up yet costs nothing, and would flatter.
      const opened = (after.descriptors - before.descriptors) / 2;
      if (opened !== tunnels) throw new Error(`${variant} has ${opened} of ${tunnels} tunnels up`);
      return (after.pssKib - before.pssKib) / tunnels;
    });
  }
  return costs;
}

async function costOfDownload({ variant, process, port }, sink, bytes) {
  const before = await ask(process, 'cpu');
  const { receivedBytes } = await ask(sink, { port, bytes });
  if (receivedBytes !== bytes) throw new Error(`${variant} relayed ${receivedBytes} of ${bytes} bytes`);
  const after = await ask(process, 'cpu');
  return (after.cpuMicros - before.cpuMicros) / 1e6;
}

async function withBench(variants, measure) {
  const children = [];
  const start = (file, args = []) => {
    const path = fileURLToPath(new URL(file, import.meta.url));
    children.push(fork(path, args, { execArgv: ['--expose-gc'] }));
    return children.at(-1);
  };
  try {
    const upstream = await answer(start('source.js'));
    const sink = start('sink.js');
    const proxies = [];
    for (const variant of variants) {
      const process = start('proxy.js', [variant, String(upstream.port)]);
      proxies.push({ variant, process, port: (await answer(process)).port });
    }
    return await measure({ proxies, sink });
  } finally {
    for (const child of children) child.kill();
  }
}

async function ask(child, request) {
  const reply = answer(child);
  child.send(request);
  return reply;
}

async function answer(child) {
  const [reply] = await once(child, 'message');
  return reply;
}
