/** A name server on 127.0.0.1, UDP and TCP, some of whose answers are hostile. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import packet, { type Answer } from 'dns-packet';
import { listen } from './listen.ts';

/** `many-N.test` has 4,000 addresses, `silent-N.test` never answers, every other name is 127.0.0.1. */
export async function openNameServer(): Promise<number> {
  // TCP first: its free ports are those that others take meanwhile, and hardly anything takes one of UDP.
  const port = await listen(serveDnsOverTcp);
  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  await once(udp, 'listening');
  udp.on('message', (query, from) => {
    const reply = answer(query, 'udp');
    if (reply) udp.send(reply, from.port, from.address);
  });
  return port;
}

function serveDnsOverTcp(socket: Socket): void {
  socket.on('data', (framed) => {
    const reply = answer(framed.subarray(2), 'tcp');
    if (!reply) return;
    socket.write(Buffer.from([reply.length >> 8, reply.length & 0xff]));
    socket.write(reply);
  });
}

const MANY_ADDRESSES = 4000;

function answer(query: Buffer, over: 'udp' | 'tcp'): Buffer | undefined {
  const { id = 0, questions = [] } = packet.decode(query);
  const [question] = questions;
  if (!question || question.name.startsWith('silent-')) return undefined;
  const isMany = question.name.startsWith('many-');
  const isTruncated = isMany && over === 'udp';
  const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE;
  return packet.encode({
    id,
    type: 'response',
    flags: isTruncated ? flags | packet.TRUNCATED_RESPONSE : flags,
    questions: [question],
    answers: question.type === 'A' && !isTruncated ? addressesOf(question.name, isMany ? MANY_ADDRESSES : 1) : [],
  });
}

function addressesOf(name: string, count: number): Answer[] {
  return Array.from({ length: count }, (_, at) => ({
    type: 'A' as const,
    name,
    data: count === 1 ? '127.0.0.1' : `127.1.${at >> 8}.${at & 255}`,
    ttl: 300,
  }));
}
