/** A fake name server in a network namespace: each question for a name gets the next of the answers that the parent has set. */
import { createSocket } from 'node:dgram';
import { createRequire } from 'node:module';

// A devDependency of the package whose own tests fake name servers too.
const dnsPacket = createRequire(new URL('../../../packages/tunnel-server/package.json', import.meta.url))('dns-packet');

/** Name to answers, each a list of IPv4 addresses; the last one stays. */
let answers = {};
process.on('message', (message) => {
  answers = message;
  process.send('set');
});
process.on('disconnect', () => process.exit());

const socket = createSocket('udp4', (packet, { address, port }) => {
  const { id, questions } = dnsPacket.decode(packet);
  const [{ name, type }] = questions;
  const ofName = answers[name.toLowerCase()] ?? [[]];
  const addresses = type !== 'A' ? [] : ofName.length > 1 ? ofName.shift() : ofName[0];
  const records = addresses.map((data) => ({ type: 'A', name, ttl: 60, data }));
  const flags = dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE;
  socket.send(dnsPacket.encode({ type: 'response', id, flags, questions, answers: records }), port, address);
});
socket.bind(53, '127.0.0.1', () => process.send('listening'));
