/**
 * A steady stream of tunnels to an echo: so many begin each second, live for a while, say something at both ends of their life and expect
 * it back. Its one argument: { port, echoPort, perSecond, longestMs }. Told `report`, it tells how many were opened and failed since the
 * last time, the set-up times in milliseconds, and by how much it came late itself: with more than the set-up times, the machine was too
 * busy for them to say anything. Told `stop`, it opens no more, and reports once the last has ended.
 */
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setInterval, setTimeout } from 'node:timers';

const { port, echoPort, perSecond, longestMs } = JSON.parse(process.argv[2]);
// Short: tunnels that begin together wait for each other.
const TICK_MS = 2;

let opened = 0;
let live = 0;
let isOver = false;
let failures = {};
let setUpMs = [];
let lateMs = 0;

let due = 0;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  lateMs = Math.max(lateMs, now - last - TICK_MS);
  due += isOver ? 0 : ((now - last) * perSecond) / 1000;
  last = now;
  for (; due >= 1; due -= 1) openTunnel();
}, TICK_MS);

process.on('message', ({ kind }) => {
  if (kind === 'stop') {
    isOver = true;
    if (live === 0) report();
  } else report();
});

function report() {
  const sorted = setUpMs.toSorted((a, b) => a - b);
  const quantile = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  process.send({ opened, failures, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1), lateMs });
  opened = 0;
  failures = {};
  setUpMs = [];
  lateMs = 0;
}

/** The words that are still to come back tell how far it was. */
function openTunnel() {
  live += 1;
  opened += 1;
  const begun = performance.now();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const waitedFor = ['\r\n\r\n', 'first', 'last'];
  let heard = '';
  socket.on('connect', () => socket.write(`CONNECT 127.0.0.1:${echoPort} HTTP/1.1\r\n\r\n`));
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
    if (!heard.includes(waitedFor[0])) return;
    const step = waitedFor.shift();
    if (step === '\r\n\r\n' && !heard.startsWith('HTTP/1.1 200')) fail(heard.slice(9, 12));
    else if (step === '\r\n\r\n') setUpMs.push(performance.now() - begun);
    heard = '';
    if (step === '\r\n\r\n') socket.write('first');
    else if (step === 'first') setTimeout(() => socket.write('last'), Math.random() * longestMs);
    else socket.end();
  });
  socket.on('error', ({ code }) => fail(code));
  socket.on('close', () => {
    if (waitedFor.length > 0) fail(`cut before ${JSON.stringify(waitedFor[0])}`);
    live -= 1;
    if (isOver && live === 0) report();
  });
  const fail = (why) => {
    waitedFor.length = 0;
    failures[why] = (failures[why] ?? 0) + 1;
    socket.destroy();
  };
}
