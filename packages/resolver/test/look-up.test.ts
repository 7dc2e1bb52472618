import { afterEach, describe, expect, it } from 'vitest';
import { lookUpName } from '../src/look-up.ts';
import type { ServerReply } from '../src/name-server.ts';
import { createNameServers, type NameServers } from '../src/name-servers.ts';
import { startNameServer, zone, type FakeNameServer, type Script } from './fake-name-server.ts';

let fake: FakeNameServer | undefined;
let servers: NameServers | undefined;

afterEach(async () => {
  servers?.close();
  await fake?.stop();
});

describe('lookUpName', () => {
  it('asks for a short name under each suffix, and stops at the first that exists', async () => {
    const reply = await lookUp(zone({ 'db.b.example A': ['192.0.2.1'], 'db A': ['192.0.2.2'] }));
    expect(texts(reply)).toEqual(['192.0.2.1']);
    expect(fake?.questions()).toEqual(['db.a.example A', 'db.b.example A']);
  });

  it('asks for the name itself in the end', async () => {
    expect(texts(await lookUp(zone({ 'db A': ['192.0.2.2'] })))).toEqual(['192.0.2.2']);
  });

  it('goes no further when a suffix fails: the name could mean another host than it should', async () => {
    const failing: Script = ({ name }) =>
      name === 'db.a.example'
        ? { rcode: 'SERVFAIL' }
        : zone({ 'db A': ['192.0.2.2'] })({ name, type: 'A', over: 'udp' });
    expect(await lookUp(failing)).toMatchObject({ kind: 'failed', reason: 'dns' });
  });
});

async function lookUp(script: Script): Promise<ServerReply> {
  fake = await startNameServer(script);
  servers = createNameServers([fake.address], { timeoutMs: 3000 });
  const source = { hosts: new Map(), servers, search: ['a.example', 'b.example'], ndots: 1 };
  const { reply } = await lookUpName('db', source, { family: 'ipv4', deadline: performance.now() + 3000 });
  return reply;
}

function texts(reply: ServerReply): string[] {
  return reply.kind === 'records' ? reply.addresses.map((ip) => ip.text) : [];
}
