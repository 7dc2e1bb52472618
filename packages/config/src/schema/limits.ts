/** The schema of timeouts and limits: the global ones, and those that a door may override. */
import * as z from 'zod';
import { ok, RATE_PATTERN, type Read, readRate } from '../units.ts';
import { count, duration, durationOrOff, section, size, written } from './fields.ts';
import { limitsStore } from './limits-store.ts';

const HANDSHAKE_BYTES = { lowest: 512, highest: 64 * 1024, range: '512B to 64KiB' };

/** Time limits, in milliseconds. */
export const timeouts = section({
  handshake: duration().describe('The whole CONNECT head or ClientHello.').prefault('10s'),
  connect: duration().describe('Until the destination answers, over all its addresses.').prefault('10s'),
  idle: duration().describe('A tunnel with no byte either way.').prefault('10m'),
  half_close: duration().describe('After the first FIN, with the other side silent.').prefault('1m'),
  lifetime: durationOrOff().describe('The longest a tunnel may live.').prefault('off'),
  drain: duration().describe('Tunnels still open this long after SIGTERM are cut.').prefault('30s'),
  keepalive: duration({ shortestMs: 2_000, longestMs: 3_600_000 })
    .describe('A peer of a tunnel that has vanished without a word is noticed within this time.')
    .prefault('2m'),
}).describe('How long things may take.');

/** Limits of numbers and sizes. */
export const limits = section({
  tunnels: count().describe('At once, handshakes included.').prefault(20_000),
  tunnels_per_client: count().describe('At once per client address (IPv6: per /64).').prefault(1_000),
  new_per_client: written('off or a rate such as "200/s"', readRateOrOff, `^off$|${RATE_PATTERN}`)
    .describe("A token bucket per client; its burst is one second's worth.")
    .prefault('off'),
  handshake_bytes: size(HANDSHAKE_BYTES).describe('A CONNECT head or a ClientHello; up to 64KiB.').prefault('16KiB'),
  store: limitsStore
    .describe('Where tunnels_per_client and new_per_client are counted: here, or by all replicas together.')
    .prefault('local'),
}).describe('How much there may be; all three counts begin at accept.');

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
}).describe("Overrides single values of the global 'limits'.");

/** A number a second; `undefined` for no limit. */
function readRateOrOff(text: string): Read<number | undefined> {
  return text === 'off' ? ok(undefined) : readRate(text);
}
