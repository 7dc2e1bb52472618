/**
 * Clients that never finish what they begin: each sends `opening`, then one byte at a time, and holds on until it is
 * closed. Says `{held}` once all have begun, `{ages}` (milliseconds from connect to close) once all are gone.
 */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { setInterval } from 'node:timers';

const { port, count, opening, drip, everyMs } = JSON.parse(process.argv[2]);
const first = Buffer.from(opening, 'hex');
const next = Buffer.from(drip, 'hex');
const open = new Set();
const ages = [];
let begun = 0;

/** No more connects under way at once than a listen queue holds. */
const AT_ONCE = 256;

for (let started = 0; started < Math.min(AT_ONCE, count); started += 1) begin();

function begin() {
  let connectedAt = 0;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.once('connect', () => {
    connectedAt = Date.now();
    open.add(socket);
    socket.write(first);
    begun += 1;
    if (begun === count) process.send({ held: open.size });
    if (begun + AT_ONCE <= count) begin();
  });
  socket.on('data', () => undefined);
  socket.on('error', () => undefined);
  socket.once('close', () => {
    open.delete(socket);
    ages.push(Date.now() - connectedAt);
    if (ages.length === count) process.send({ ages });
  });
}

// A part of the crowd at each tick, so that the drops fall evenly.
const PARTS = 50;
let part = 0;
setInterval(() => {
  part = (part + 1) % PARTS;
  let index = 0;
  for (const socket of open) {
    if (index % PARTS === part && socket.writable) socket.write(next);
    index += 1;
  }
}, everyMs / PARTS);
