/** Oddities of a server_name, on the wire: refused without a dial, or taken for what they are. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { clientHello, helloFor, serverName } from '../harness/hello.ts';
import { ask, openClient, type Origin, tcpOrigin } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

let proxy: Running;
let origin: Origin;
let originClients = 0;

beforeAll(async () => {
  origin = await tcpOrigin((socket) => {
    originClients += 1;
    socket.end('origin');
  });
  const names = ['1password.test', 'api-.test', '-api.test', 'a_b.test', 'xn--mnchen-3ya.test', 'single'];
  proxy = await startSallyport(
    configText({
      transparent: [`port: ${origin.port}`],
      hosts: Object.fromEntries(names.map((name) => [name, ['127.0.0.1']])),
    }),
  );
});

afterAll(async () => {
  await proxy.stop();
  origin.close();
});

describe('the transparent door', () => {
  it.each([
    ...['', '.', '..', 'a..b', '.a', 'a b', 'a\0b', 'a\r\nb', 'a/b', 'a:443', '*.a'],
    ...['127.1', '0x7f000001', '2130706433', 'xn--', '\xff.test', 'b\xc3\xbccher.test', 'a'.repeat(64)],
    ...['abcdefg.'.repeat(32) + 'test', 'a'.repeat(10_000)],
  ])('answers decode_error to the name %j', async (name) => {
    expect(await alertFor(clientHello(new Map([[0, serverName(name)]])))).toBe(50);
  });

  it.each(['127.0.0.1', '::1', '[::1]', '::ffff:127.0.0.1'])(
    'answers missing_extension to the address %s, which is no name',
    async (literal) => {
      expect(await alertFor(helloFor(literal))).toBe(109);
    },
  );

  it('answers decode_error to two names', async () => {
    const one = Buffer.from('000006', 'hex'); // host_name of six bytes
    const two = Buffer.concat([one, Buffer.from('single'), one, Buffer.from('single')]);
    const list = Buffer.concat([Buffer.of(0, two.length), two]);
    expect(await alertFor(clientHello(new Map([[0, list]])))).toBe(50);
  });

  it('answers decode_error to a name of an unknown type', async () => {
    const list = Buffer.from('0009' + '01' + '0006' + '73696e676c65', 'hex');
    expect(await alertFor(clientHello(new Map([[0, list]])))).toBe(50);
  });

  it.each([
    'single',
    'SINGLE',
    'single.',
    '1password.test',
    'a_b.test',
    'api-.test',
    '-api.test',
    'xn--mnchen-3ya.test',
  ])('connects to %s', async (name) => {
    const client = await openClient(proxy.port('transparent'));
    client.socket.write(helloFor(name));
    expect((await client.ended()).bytes.toString()).toBe('origin');
    client.socket.destroy();
  });

  it.each([0x0300, 0x0301, 0x0302, 0x0303, 0x03fe])(
    'connects by a hello with empty lists, version %i',
    async (version) => {
      const name = Buffer.concat([Buffer.from('00000000', 'hex'), serverName('single')]);
      name.writeUInt16BE(name.length - 4, 2);
      const [high, low] = [version >> 8, version & 0xff];
      const start = Buffer.from([high, low, ...Buffer.alloc(32, 7), 0, 0, 0, 0, 0, name.length]);
      const body = Buffer.concat([start, name]);
      const hello = Buffer.from([22, high, low, 0, body.length + 4, 1, 0, 0, body.length, ...body]);
      for (const cut of [hello.length, hello.length - 3]) {
        const client = await openClient(proxy.port('transparent'));
        client.socket.write(hello.subarray(0, cut));
        client.socket.write(hello.subarray(cut));
        expect((await client.ended()).bytes.toString()).toBe('origin');
        client.socket.destroy();
      }
    },
  );

  it.each([
    'PROXY TCP4 192.0.2.1 127.0.0.1 1 443\r\n',
    '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\0\x01\x01\xbb',
  ])('serves no hello behind a PROXY header that nobody asked for: %j', async (header) => {
    const before = originClients;
    const answer = await ask(
      proxy.port('transparent'),
      Buffer.concat([Buffer.from(header, 'latin1'), helloFor('single')]),
    );
    expect(answer).toBe('');
    expect(originClients).toBe(before);
  });

  async function alertFor(hello: Buffer): Promise<number | undefined> {
    const before = originClients;
    const answer = Buffer.from(await ask(proxy.port('transparent'), hello), 'latin1');
    expect(originClients).toBe(before);
    expect(answer.subarray(0, 6)).toEqual(Buffer.of(21, 3, 3, 0, 2, 2));
    return answer[6];
  }
});
