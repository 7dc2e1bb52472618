/**
 * Clients that leave at once: connects, `says` something or nothing, and goes by FIN or by RST, `count` times over. Says
 * `{gone}` when all have.
 */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';

const { port, count, says, leaves } = JSON.parse(process.argv[2]);
const words = Buffer.from(says, 'hex');
const AT_ONCE = 128;
let begun = 0;
let gone = 0;

for (let started = 0; started < AT_ONCE; started += 1) begin();

function begin() {
  if (begun === count) return;
  begun += 1;
  const socket = connect({ port, host: '127.0.0.1' });
  socket.once('connect', () => {
    if (words.length > 0) socket.write(words);
    if (leaves === 'rst') socket.resetAndDestroy();
    else socket.destroy();
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    gone += 1;
    if (gone === count) process.send({ gone });
    else begin();
  });
}
