/** A proxy that only relays, so that only the relay is measured. Run as `node proxy.js VARIANT UPSTREAM_PORT`. */
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { readdirSync, readFileSync } from 'node:fs';
import { createPortableTransport } from '../../../packages/tunnel-splice/dist/index.js';

const [, , variant, upstreamPort] = process.argv;
const upstream = { host: '127.0.0.1', port: Number(upstreamPort) };

const variants = { pipe: listenWithPipe, portable: listenWithTransport };
process.send({ port: await variants[variant]() });

process.on('message', (request) => {
  if (request === 'cpu') process.send({ cpuMicros: cpuMicros() });
  if (request === 'memory') process.send({ pssKib: pssKib(), descriptors: readdirSync('/proc/self/fd').length });
});

/** What anyone would write first. */
function listenWithPipe() {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const leg = connect({ ...upstream, allowHalfOpen: true, noDelay: true });
    client.on('error', () => leg.destroy());
    leg.on('error', () => client.destroy());
    client.pipe(leg).pipe(client);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}

async function listenWithTransport() {
  const transport = createPortableTransport();
  const keeper = { tunnelEnded: () => undefined };
  const limits = { keeper, idleTimeoutMs: 600_000, halfCloseTimeoutMs: 60_000, lifetimeDeadline: Infinity };
  const door = await transport.listen({ host: '127.0.0.1', port: 0 }, async (client) => {
    const dialled = await transport.dial(upstream, { deadline: performance.now() + 10_000 }).done;
    if (dialled.kind === 'connected') transport.splice(client, dialled.leg, limits);
    else client.reset();
  });
  return door.address.port;
}

function cpuMicros() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Proportional set size: what this process costs the machine (Linux, proc_pid_smaps). */
function pssKib() {
  globalThis.gc();
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))[1]);
}
