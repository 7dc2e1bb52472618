/** A name server on 127.0.0.1, UDP and TCP, that answers, delays, truncates or stays silent as told. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import packet, { type Packet, type StringAnswer } from 'dns-packet';

interface Asked {
  readonly name: string;
  readonly type: string;
  readonly over: 'udp' | 'tcp';
}

/** The reply to one question; undefined is silence. A promise delays it. */
interface Said {
  readonly answers?: readonly packet.Answer[];
  readonly rcode?: keyof typeof RCODES;
  readonly truncated?: boolean;
}

export type Script = (asked: Asked) => Said | undefined | Promise<Said | undefined>;

export interface FakeNameServer {
  readonly address: { readonly host: string; readonly port: number };
  /** Every question so far. Packets that were sent again count again. */
  readonly asked: readonly Asked[];
  /** Questions as `name type`, each once. */
  readonly questions: () => string[];
  script: Script;
  stop(): Promise<void>;
}

const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

/** @param port where one was before; 0: any */
export async function startNameServer(script: Script, port = 0): Promise<FakeNameServer> {
  const asked: Asked[] = [];
  let isStopped = false;
  const { udp, tcp } = await openOnePort(port);
  const server: FakeNameServer = {
    get address() {
      return { host: '127.0.0.1', port: udp.address().port };
    },
    asked,
    questions: () => [...new Set(asked.map(({ name, type }) => `${name} ${type}`))].sort(),
    script,
    stop: async () => {
      isStopped = true;
      udp.close();
      tcp.close();
      await Promise.all([once(udp, 'close'), once(tcp, 'close')]);
    },
  };

  const answer = async (query: Buffer, over: Asked['over']): Promise<Packet | undefined> => {
    const { id = 0, questions = [] } = packet.decode(query);
    const [question] = questions;
    if (!question) return undefined;
    const one: Asked = { name: question.name.toLowerCase(), type: question.type, over };
    asked.push(one);
    const said = await server.script(one);
    if (!said || isStopped) return undefined;
    const { answers = [], rcode = 'NOERROR', truncated = false } = said;
    const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | RCODES[rcode];
    return {
      id,
      type: 'response',
      flags: truncated ? flags | packet.TRUNCATED_RESPONSE : flags,
      questions: [question],
      answers: [...answers],
    };
  };

  udp.on('message', (query, from) => {
    void answer(query, 'udp').then((reply) => reply && udp.send(packet.encode(reply), from.port, from.address));
  });
  tcp.on('connection', (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (framed) => {
      void answer(framed.subarray(2), 'tcp').then((reply) => {
        if (reply) socket.write(packet.streamEncode(reply));
      });
    });
  });
  return server;
}

interface Sockets {
  readonly udp: dgram.Socket;
  readonly tcp: net.Server;
}

/** UDP picks the port; TCP must have the same one, and starts over where somebody has it already. */
async function openOnePort(port: number): Promise<Sockets> {
  for (;;) {
    const udp = dgram.createSocket('udp4').bind(port, '127.0.0.1');
    await once(udp, 'listening');
    const tcp = net.createServer().listen(udp.address().port, '127.0.0.1');
    const isOpen = await once(tcp, 'listening').then(
      () => true,
      () => false,
    );
    if (isOpen) return { udp, tcp };
    udp.close();
  }
}

export function record(type: 'A' | 'AAAA', name: string, data: string, ttl = 60): StringAnswer {
  return { type, name, data, ttl };
}

/**
 * A script out of a table: `name type` -> addresses. Names that are nowhere in it do not exist; known ones may have no
 * such record.
 */
export function zone(table: Readonly<Record<string, readonly string[]>>, ttl = 60): Script {
  const names = new Set(Object.keys(table).map((key) => key.split(' ')[0]));
  return ({ name, type }) => {
    if (!names.has(name)) return { rcode: 'NXDOMAIN' };
    const data = table[`${name} ${type}`] ?? [];
    return { answers: data.map((each) => record(type === 'A' ? 'A' : 'AAAA', name, each, ttl)) };
  };
}
