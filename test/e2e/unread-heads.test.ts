/** Requests whose heads are malformed, too large or never whole: they are refused as they ask, as far as they have arrived. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { ask } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

let proxy: Running;

const door = ['http: forward', 'timeouts: { handshake: 400ms }', 'limits: { handshake_bytes: 2KiB }'];

beforeAll(async () => {
  proxy = await startSallyport(configText({ explicit: door, transparent: door }));
});

afterAll(async () => {
  await proxy.stop();
});

const ACCEPT = 'Accept: application/problem+json\r\n';
const HEADS = [
  { reason: 'malformed', status: 400, rest: 'Not a name: x\r\n\r\n' },
  { reason: 'too_large', status: 431, rest: `X: ${'x'.repeat(4096)}\r\n\r\n` },
  { reason: 'handshake_timeout', status: 408, rest: 'X: y' },
] as const;
const DOORS = [
  { door: 'explicit', target: 'http://origin.test/' },
  { door: 'transparent', target: '/' },
] as const;
const cases = DOORS.flatMap((at) => HEADS.map((head) => ({ ...at, ...head })));

describe('a request that cannot be read', () => {
  it.each(cases)(
    'is told so in the JSON it accepts: $reason, $door',
    async ({ door, target, reason, status, rest }) => {
      const before = proxy.lines.length;
      const heard = await ask(proxy.port(door), `GET ${target} HTTP/1.1\r\n${ACCEPT}${rest}`);
      const [head = '', content = ''] = heard.split('\r\n\r\n');
      expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(head).toContain('\r\nContent-Type: application/problem+json\r\n');
      const { id } = await proxy.line({ msg: 'tunnel', listener: door, reason, status }, before);
      expect(JSON.parse(content)).toMatchObject({ status, reason, id, listener: door });
    },
  );

  it.each(cases)(
    'is told so without content if it is a HEAD: $reason, $door',
    async ({ door, target, status, rest }) => {
      const heard = await ask(proxy.port(door), `HEAD ${target} HTTP/1.1\r\n${rest}`);
      expect(heard).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\nContent-Length: [1-9][^]*\\r\\n\\r\\n$`));
    },
  );
});
