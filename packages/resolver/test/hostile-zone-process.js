/** Run in a process of its own with a small heap: names of a zone whose owner wants to fill it. Prints what came of it as JSON. */
import { Buffer } from 'node:buffer';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { Resolver } from '@sallyport/resolver';

const A = 1;
/** Of one answer over TCP: as many as fit into one. */
const RECORDS = 4000;
/** Of one answer over UDP: as many as are read. */
const RECORDS_READ = 64;
const LARGE_NAMES = 40;
const MANY_NAMES = 1500;

/** As DNS has it on the wire, the names of the answers as pointers to the question's (RFC 1035 §4.1.4). */
function answer(query, count, isTruncated = false) {
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const records = question.readUInt16BE(question.length - 4) === A ? count : 0;
  const reply = Buffer.alloc(12 + question.length + records * 16);
  query.copy(reply, 0, 0, 2);
  reply.writeUInt16BE(isTruncated ? 0x8380 : 0x8180, 2);
  reply.writeUInt16BE(1, 4);
  reply.writeUInt16BE(records, 6);
  question.copy(reply, 12);
  for (let at = 0; at < records; at += 1) {
    const start = 12 + question.length + at * 16;
    reply.writeUInt16BE(0xc00c, start);
    reply.writeUInt16BE(A, start + 2);
    reply.writeUInt16BE(1, start + 4);
    reply.writeUInt32BE(3600, start + 6);
    reply.writeUInt16BE(4, start + 10);
    reply.writeUInt32BE((0xc633_0000 + at) >>> 0, start + 12);
  }
  return reply;
}

const tcp = net.createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (framed) => {
    const reply = answer(framed.subarray(2), RECORDS);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(reply.length);
    socket.write(Buffer.concat([length, reply]));
  });
});
tcp.listen(0, '127.0.0.1');
await once(tcp, 'listening');
const { port } = tcp.address();
const udp = dgram.createSocket('udp4').bind(port, '127.0.0.1');
await once(udp, 'listening');
udp.on('message', (query, from) => {
  const isLarge = query.includes('large');
  udp.send(isLarge ? answer(query, 0, true) : answer(query, RECORDS_READ), from.port, from.address);
});

const cache = { entries: 1000, min_ttl: 1000, max_ttl: 300_000, negative_ttl: 5000, stale_if_error: 0 };
const resolver = new Resolver({
  servers: [{ host: '127.0.0.1', port }],
  hosts: {},
  family: 'ipv4',
  cache,
  timeout: 20_000,
});

async function ask(label, count) {
  const names = Array.from({ length: count }, (_, at) => `${label}-${at}.hostile.example`);
  let longest = 0;
  for (let at = 0; at < count; at += 50) {
    const answers = await Promise.all(names.slice(at, at + 50).map((name) => resolver.resolve(name, 'client').done));
    for (const one of answers) longest = Math.max(longest, one.kind === 'addresses' ? one.addresses.length : Infinity);
  }
  return { longest, isLastCached: resolver.peek(names.at(-1)) !== undefined };
}

const heapBytes = () => {
  globalThis.gc();
  return process.memoryUsage().heapUsed;
};

const before = heapBytes();
const large = await ask('large', LARGE_NAMES);
const many = await ask('many', MANY_NAMES);
const heldBytes = heapBytes() - before;
process.stdout.write(JSON.stringify({ large, many, heldBytes }));
process.exit(0);
