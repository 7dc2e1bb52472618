/** The schema of timeouts and limits: the global ones, and those that a door may override. */
import * as z from 'zod';
import { ok, RATE_PATTERN, type Read, readRate } from '../units.ts';
import { count, duration, durationOrOff, section, size, written } from './fields.ts';
import { limitsStore } from './limits-store.ts';

const HANDSHAKE_BYTES = { lowest: 512, highest: 64 * 1024, range: '512B to 64KiB' };

/** Time limits, in milliseconds. */
export const timeouts = section({
  handshake: duration().describe('Until the whole CONNECT head or ClientHello has arrived.').prefault('10s'),
  connect: duration().describe('Until the destination answers, over all its addresses.').prefault('10s'),
  idle: duration().describe('How long a tunnel may have no byte in either direction.').prefault('10m'),
  half_close: duration().describe('How long the other side may be silent after the first FIN.').prefault('1m'),
  lifetime: durationOrOff().describe('How long a tunnel may exist.').prefault('off'),
  drain: duration().describe('Tunnels still open this long after SIGTERM are cut.').prefault('30s'),
  keepalive: duration({ shortestMs: 2_000, longestMs: 3_600_000 })
    .describe('A peer that vanished without FIN or RST is detected within this time, from 2s to 1h.')
    .prefault('2m'),
}).describe('How long each step may take.');

/** Limits of numbers and sizes. */
export const limits = section({
  tunnels: count().describe('Connections at the same time, handshakes included.').prefault(20_000),
  tunnels_per_client: count()
    .describe('Connections at the same time for each client address (IPv6: each /64).')
    .prefault(1_000),
  new_per_client: written('off or a rate such as "200/s"', readRateOrOff, `^off$|${RATE_PATTERN}`)
    .describe('New connections of each client: a token bucket, with a burst of one second.')
    .prefault('off'),
  handshake_bytes: size(HANDSHAKE_BYTES)
    .describe('The largest CONNECT head or ClientHello; up to 64KiB.')
    .prefault('16KiB'),
  store: limitsStore
    .describe('Where tunnels_per_client and new_per_client are counted: here, or by all replicas together.')
    .prefault('local'),
}).describe('How many connections there may be, and how large a head; connections count from accept.');

/** The same timeouts for one door. The global value applies where one is left out. */
export const timeoutOverrides = section({
  handshake: timeouts.shape.handshake.unwrap().exactOptional(),
  connect: timeouts.shape.connect.unwrap().exactOptional(),
  idle: timeouts.shape.idle.unwrap().exactOptional(),
  half_close: timeouts.shape.half_close.unwrap().exactOptional(),
  lifetime: timeouts.shape.lifetime.unwrap().exactOptional(),
  drain: timeouts.shape.drain.unwrap().exactOptional(),
  keepalive: timeouts.shape.keepalive.unwrap().exactOptional(),
}).describe("Overrides single values of the global 'timeouts'.");

/** The same limits for one door. */
export const limitOverrides = section({
  tunnels: limits.shape.tunnels.unwrap().exactOptional(),
  tunnels_per_client: limits.shape.tunnels_per_client.unwrap().exactOptional(),
  new_per_client: limits.shape.new_per_client.unwrap().exactOptional(),
  handshake_bytes: limits.shape.handshake_bytes.unwrap().exactOptional(),
  store: z
    .never({ error: 'the store is for the whole process; write it under the global limits' })
    .describe('Only under the global limits.')
    .exactOptional(),
}).describe("Overrides single values of the global 'limits'. A listener with another value is counted alone.");

/** A number a second; `undefined` for no limit. */
function readRateOrOff(text: string): Read<number | undefined> {
  return text === 'off' ? ok(undefined) : readRate(text);
}
