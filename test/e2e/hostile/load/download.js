/** A client in the middle of a download; says `{heard}` once a mebibyte has come, and goes on reading until it is killed. */
import { connect } from 'node:net';

const { port, authority } = JSON.parse(process.argv[2]);
const MEBIBYTE = 2 ** 20;
let heard = 0;

const socket = connect({ port, host: '127.0.0.1' });
socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
socket.on('data', (chunk) => {
  const isFirst = heard < MEBIBYTE && heard + chunk.length >= MEBIBYTE;
  heard += chunk.length;
  if (isFirst) process.send({ heard });
});
