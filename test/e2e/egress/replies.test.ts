/** What a parent may answer to CONNECT, in every shape: what the client gets, and what the log says. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { helloFor } from '../harness/hello.ts';
import { ask, openClient, type Origin, tcpOrigin } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

interface Script {
  /** What the parent says, piece by piece, to a whole request head; `undefined`: it says no more and waits. */
  readonly says: readonly string[];
  /** It ends the connection behind that. */
  readonly ends?: 'fin' | 'rst';
}

let parent: Origin;
let proxy: Running;
let script: Script = { says: [] };
const heads: string[] = [];
/** For each of them, how its connection was ended. */
const departures: ('fin' | 'rst')[] = [];

beforeAll(async () => {
  parent = await tcpOrigin((socket) => {
    let head = '';
    let answered = Promise.resolve();
    let number = -1;
    socket.on('end', () => socket.end()).on('end', () => (departures[number] = 'fin'));
    socket.on('error', () => (departures[number] = 'rst'));
    socket.on('data', (chunk: Buffer) => {
      const wasWhole = head.includes('\r\n\r\n');
      head += chunk.toString('latin1');
      // What it echoes comes behind all that it answers.
      if (wasWhole) return void answered.then(() => socket.write(chunk));
      if (!head.includes('\r\n\r\n')) return;
      number = heads.push(head) - 1;
      answered = answer(script);
    });
    const answer = async ({ says, ends }: Script): Promise<void> => {
      for (const piece of says) {
        socket.write(Buffer.from(piece, 'latin1'));
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (ends === 'fin') socket.end();
      if (ends === 'rst') socket.resetAndDestroy();
    };
  });
  proxy = await startBefore(parent);
});

function startBefore({ port }: Origin): Promise<Running> {
  const more = `egress:
  - { name: corp, type: http, address: "127.0.0.1:${port}", username: "us\u00e9r", password: "p:w" }
default_egress: corp
timeouts: { connect: 700ms }`;
  return startSallyport(configText({ more }));
}

afterAll(async () => {
  await proxy.stop();
  parent.close();
});

const connect = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;

const opened: readonly { readonly what: string; readonly says: readonly string[]; readonly behind?: string }[] = [
  { what: 'a plain 200', says: ['HTTP/1.1 200 OK\r\n\r\n'] },
  { what: 'HTTP/1.0 and no reason phrase', says: ['HTTP/1.0 200\r\n\r\n'] },
  { what: 'any other 2xx', says: ['HTTP/1.1 204 No Content\r\n\r\n'] },
  { what: 'fields of every kind', says: ['HTTP/1.1 200 OK\r\nServer: x\r\nX-\xff: \xfe\r\nProxy-Agent: y\r\n\r\n'] },
  { what: 'a Content-Length, which is not heeded', says: ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'] },
  { what: 'a Transfer-Encoding, which is not heeded', says: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'] },
  { what: 'Connection: close, which is not heeded', says: ['HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'] },
  { what: 'bytes behind the head', says: ['HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n'], behind: 'SSH-2.0-x\r\n' },
  { what: '100 ahead of it', says: ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nearly'], behind: 'early' },
  {
    what: 'several 1xx ahead of it, in pieces',
    says: ['HTTP/1.1 102 P\r\n\r', '\nHTTP/1.1 103 E\r\nLink: x\r\n\r\nHT', 'TP/1.1 200 OK\r\n\r\nab'],
    behind: 'ab',
  },
  {
    what: 'short writes',
    says: 'HTTP/1.1 200 Connection established\r\nA: b\r\n\r\nz'.match(/./gs) ?? [],
    behind: 'z',
  },
  { what: 'an empty line ahead of it', says: ['\r\nHTTP/1.1 200 OK\r\n\r\nz'], behind: 'z' },
  { what: 'lines that end in LF alone', says: ['HTTP/1.1 200 OK\nServer: old\n\nz'], behind: 'z' },
  { what: 'a folded field', says: ['HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\nz'], behind: 'z' },
  { what: 'a head of 60 KiB', says: [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(60 * 1024)}\r\n\r\n`] },
];

describe('a parent that opens the tunnel', () => {
  it.each(opened)('with $what, and does so again and again', async ({ says, behind = '' }) => {
    script = { says };
    // From the third time on its words are known.
    for (let time = 0; time < 4; time++) await carries(behind);
  });

  async function carries(behind: string): Promise<void> {
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(`${connect('far.example:443')}first`);
    const greeting = 'HTTP/1.1 200 Connection Established\r\n\r\n';
    const heard = await client.hears('first');
    expect(heard.toString('latin1')).toBe(`${greeting}${behind}first`);
    client.socket.write('second');
    expect((await client.hears('second')).toString('latin1')).toBe(`${greeting}${behind}firstsecond`);
    const before = proxy.lines.length;
    client.socket.end();
    const line = await proxy.line({ msg: 'tunnel', outcome: 'ok' }, before);
    expect(line).toMatchObject({ egress: 'corp', upstream: `127.0.0.1:${parent.port}`, host: 'far.example' });
    expect(line).toMatchObject({ bytes_up: 11, bytes_down: 11 + behind.length });
    client.socket.destroy();
  }

  it('is asked for the name as it came, with credentials of ours and none of the client', async () => {
    script = { says: ['HTTP/1.1 200 OK\r\n\r\n'] };
    heads.length = 0;
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(
      'CONNECT Far.Example:8443 HTTP/1.1\r\nProxy-Authorization: Basic c2VjcmV0\r\nCookie: x\r\n\r\n',
    );
    await client.hears('200');
    client.socket.destroy();
    const credentials = Buffer.from('usér:p:w').toString('base64');
    expect(heads[0]).toMatch(/^CONNECT far\.example:8443 HTTP\/1\.1\r\nHost: far\.example:8443\r\n/);
    expect(heads[0]).toContain(`\r\nProxy-Authorization: Basic ${credentials}\r\n`);
    expect(heads[0]).not.toMatch(/c2VjcmV0|Cookie/);
  });
});

const refused: readonly (Script & {
  readonly what: string;
  readonly says: readonly string[];
  readonly detail: RegExp;
})[] = [
  {
    what: 'a 407 with a body',
    says: ['HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 3\r\n\r\nabc'],
    detail: /corp answered 407/,
  },
  {
    what: 'a 407 with a body in chunks',
    says: ['HTTP/1.1 407 Auth\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', '0\r\n\r\n'],
    ends: 'fin',
    detail: /corp answered 407/,
  },
  { what: 'two empty lines first', says: ['\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'], detail: /HTTP\/1/ },
  { what: 'no space behind its version', says: ['HTTP/1.1200 OK\r\n\r\n'], detail: /status line/ },
  { what: 'a 403 with a long body', says: ['HTTP/1.1 403 No\r\n\r\n', 'x'.repeat(200_000)], detail: /answered 403/ },
  { what: 'a 502', says: ['HTTP/1.0 502 Bad Gateway\r\n\r\n'], ends: 'fin', detail: /answered 502 Bad Gateway/ },
  { what: 'a redirection', says: ['HTTP/1.1 302 F\r\nLocation: http://login/\r\n\r\n'], detail: /answered 302/ },
  { what: 'a 101', says: ['HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n'], detail: /switches protocols/ },
  { what: 'an endless head', says: ['HTTP/1.1 200 OK\r\n', `X: ${'x'.repeat(70_000)}`], detail: /more than 65536/ },
  { what: 'endless 1xx', says: ['HTTP/1.1 100 C\r\n\r\n'.repeat(5_000)], detail: /more than 65536/ },
  { what: 'garbage', says: ['\x00\x01\x02garbage'], detail: /well-formed/ },
  { what: 'another protocol', says: ['220 mail.example ESMTP\r\n'], detail: /well-formed/ },
  { what: 'a status of two digits', says: ['HTTP/1.1 20 OK\r\n\r\n'], detail: /status line/ },
  { what: 'a status below 100', says: ['HTTP/1.1 099 OK\r\n\r\n'], detail: /status line/ },
  { what: 'HTTP/2', says: ['HTTP/2 200 OK\r\n\r\n'], detail: /HTTP\/1/ },
  { what: 'a NUL in its head', says: ['HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n'], detail: /NUL/ },
  { what: 'half an answer', says: ['HTTP/1.1 200 OK\r\nX'], ends: 'fin', detail: /broke off/ },
  { what: 'nothing and FIN', says: [], ends: 'fin', detail: /closed the connection without an answer/ },
  { what: 'nothing and RST', says: [], ends: 'rst', detail: /reset the connection without an answer/ },
];

describe('a parent that does not', () => {
  it.each(refused)('with $what is a 502 of the reason egress', async ({ detail, ...says }) => {
    script = says;
    await refuses(detail);
  });

  it.each(refused)('with $what, after it has opened by the same words for a while, is no less', async (given) => {
    const { detail, ...says } = given;
    script = { says: ['HTTP/1.1 200 OK\r\n\r\n'] };
    for (let time = 0; time < 2; time++) expect(await opens()).toBe(true);
    script = says;
    await refuses(detail);
    script = { says: ['HTTP/1.1 200 OK\r\n\r\n'] };
    expect(await opens()).toBe(true);
  });

  async function opens(): Promise<boolean> {
    const client = await openClient(proxy.port('explicit'));
    client.socket.write(connect('far.example:443'));
    const heard = await client.hears('\r\n\r\n');
    client.socket.destroy();
    return heard.includes(' 200 ');
  }

  async function refuses(detail: RegExp): Promise<void> {
    const before = proxy.lines.length;
    const answer = await ask(proxy.port('explicit'), connect('far.example:443'));
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    expect(answer).toContain('\r\nProxy-Status: sallyport; error=http_upgrade_failed');
    expect(answer).not.toMatch(/Proxy-Authenticate|Location|garbage/);
    expect(answer).toContain(`(The proxy beyond this one ${toldOf(detail)}`);
    const line = await proxy.line({ msg: 'tunnel', reason: 'egress' }, before);
    expect(line).toMatchObject({ outcome: 'failed', status: 502, egress: 'corp', stage: 'dial' });
    expect(line['detail']).toMatch(detail);
  }

  /** Only a proxy that answers has refused. */
  function toldOf({ source }: RegExp): string {
    if (source.includes('answered ')) return 'refused far.example:443 (status ';
    return source.endsWith('the connection without an answer')
      ? `${source})`
      : 'gave no valid answer for far.example:443)';
  }

  it('says nothing at all: 504', async () => {
    script = { says: [] };
    const before = proxy.lines.length;
    const answer = await ask(proxy.port('explicit'), connect('far.example:443'));
    expect(answer).toMatch(/^HTTP\/1\.1 504 /);
    await proxy.line({ msg: 'tunnel', reason: 'egress', status: 504 }, before);
  });

  it('is internal_error at the transparent door', async () => {
    script = { says: ['HTTP/1.1 403 No\r\n\r\n'] };
    const answer = await ask(proxy.port('transparent'), helloFor('far.example'));
    expect(Buffer.from(answer, 'latin1')).toEqual(Buffer.of(21, 3, 3, 0, 2, 2, 80));
  });

  it.each([0, 2])('is left at once, and by RST, by a client that leaves, after %d tunnels', async (tunnels) => {
    const fresh = await startBefore(parent);
    // After two its words are known.
    script = { says: ['HTTP/1.1 200 OK\r\n\r\n'], ends: 'fin' };
    for (let time = 0; time < tunnels; time++) await ask(fresh.port('explicit'), connect('far.example:443'));
    script = { says: [] };
    const asked = heads.length;
    const client = await openClient(fresh.port('explicit'));
    client.socket.write(connect('far.example:443'));
    await expect.poll(() => heads.length).toBeGreaterThan(asked);
    client.socket.destroy();
    expect(await fresh.tunnel({ reason: 'client_closed', stage: 'dial' })).toMatchObject({
      detail: 'The client left while the proxy beyond this one was asked.',
    });
    await expect.poll(() => departures[asked]).toBe('rst');
    await fresh.stop();
  });
});
