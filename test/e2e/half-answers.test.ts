/** Names of which one family answers late, not at all, or with what may not be dialled: no tunnel fails for want of the other. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type FakeNameServer,
  record,
  type Script,
  startNameServer,
} from '../../packages/resolver/test/fake-name-server.ts';
import { configText } from './harness/config-text.ts';
import { helloFor } from './harness/hello.ts';
import { ask, type Origin, tcpOrigin } from './harness/peers.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

/** Well above the 50 ms for which one family waits for the other. */
const LATE_MS = 150;

/** Permitted, and nobody listens there: refused, or unreachable where there is no IPv6. */
const USELESS = '::1';
const FORBIDDEN = 'fd00::1';

let proxy: Running;
let names: FakeNameServer;
let origin: Origin;
/** Opens every tunnel, and sends what it was asked for. */
let parent: Origin;

beforeAll(async () => {
  origin = await tcpOrigin((socket) => socket.end('origin'));
  names = await startNameServer(() => undefined);
  parent = await tcpOrigin((socket) =>
    socket.once('data', (head: Buffer) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${head.toString()}`)),
  );
  const rules = '[{ action: allow, hosts: ["*.far.test"], egress: far }, { action: allow }]';
  const policy = `policy: { rules: ${rules}, destinations: { allow: [loopback] } }`;
  const more = `egress: [{ name: far, type: http, address: "127.0.0.1:${parent.port}", resolve: local }]`;
  proxy = await startSallyport(
    configText({ policy, transparent: [`port: ${origin.port}`], more })
      .replace(/^dns: .*$/m, `dns: { servers: ["127.0.0.1:${names.address.port}"], timeout: 3s }`)
      // Shorter than a look-up may take.
      .replace('admin:', '  - { name: hasty, mode: connect, bind: "127.0.0.1:0", timeouts: { connect: 2s } }\nadmin:'),
  );
});

afterAll(async () => {
  await proxy.stop();
  await names.stop();
  origin.close();
  parent.close();
});

const connectTo = (name: string, listener = 'explicit'): Promise<string> =>
  ask(proxy.port(listener), `CONNECT ${name}:${origin.port} HTTP/1.1\r\n\r\n`);

const aaaa = (name: string, address: string) => ({ answers: [record('AAAA', name, address, 300)] });
const a = (name: string, address = '127.0.0.1') => ({ answers: [record('A', name, address, 300)] });
const late = <T>(said: T): Promise<T> => new Promise((resolve) => setTimeout(resolve, LATE_MS, said));

describe('an AAAA record of no use, and an A record that is late', () => {
  it.each([
    { title: 'refuses', address: USELESS },
    { title: 'may not be dialled', address: FORBIDDEN },
  ])('has the late one dialled where the first $title', async ({ title, address }) => {
    names.script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, address) : late(a(name)));
    expect(await connectTo(`late-${title.replaceAll(' ', '-')}.test`)).toMatch(/^HTTP\/1\.1 200 [^]*origin$/);
  });

  it('has it dialled at the transparent door too', async () => {
    names.script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, USELESS) : late(a(name)));
    expect(await ask(proxy.port('transparent'), helloFor('late-sni.test'))).toBe('origin');
  });

  it('says 403 once both are forbidden, and not before', async () => {
    names.script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, FORBIDDEN) : late(a(name, '10.0.0.1')));
    expect(await connectTo('both-forbidden.test')).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('fails with the last word of both', async () => {
    names.script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, USELESS) : late(a(name, '127.0.0.9')));
    expect(await connectTo('both-refuse.test')).toMatch(/^HTTP\/1\.1 502 [^]*connection_refused/);
  });
});

describe('an A record that is not to be had at first', () => {
  it.each([
    { title: 'servfail', failing: { rcode: 'SERVFAIL' } },
    { title: 'silence', failing: undefined },
  ] as const)('is asked for again: $title', async ({ title, failing }) => {
    const broken: Script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, FORBIDDEN) : failing);
    names.script = broken;
    const host = `again-${title}.test`;
    // As final as it can be: the question was put until dns.timeout.
    expect(await connectTo(host)).toMatch(/^HTTP\/1\.1 403 /);
    names.script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, FORBIDDEN) : a(name));
    expect(await connectTo(host)).toMatch(/^HTTP\/1\.1 200 [^]*origin$/);
  });
});

describe('an address that is not to be had, where the others do not answer', () => {
  it.each([
    { missing: 'IPv4', broken: 'A', found: (name: string) => aaaa(name, USELESS) },
    { missing: 'IPv6', broken: 'AAAA', found: (name: string) => a(name, '127.0.0.9') },
  ])('is told of in the log: $missing', async ({ missing, broken, found }) => {
    names.script = ({ name, type }) => (type === broken ? { rcode: 'SERVFAIL' } : found(name));
    const host = `half-${broken.toLowerCase()}.test`;
    expect(await connectTo(host)).toMatch(/^HTTP\/1\.1 502 /);
    const { detail } = await proxy.line({ msg: 'tunnel', host });
    expect(detail).toMatch(new RegExp(`^The destination .*\\. Its ${missing} addresses could not be looked up\\.$`));
  });

  it('is not told of where the name has none', async () => {
    names.script = ({ name, type }) => (type === 'A' ? late({}) : aaaa(name, USELESS));
    expect(await connectTo('whole.test')).toMatch(/^HTTP\/1\.1 502 /);
    const { detail } = await proxy.line({ msg: 'tunnel', host: 'whole.test' });
    expect(detail).toMatch(/^The destination [^.]*\.$/);
  });
});

describe('a parent that is asked for one address', () => {
  const asked = async (name: string, listener?: string): Promise<string | undefined> =>
    /\r\n\r\nCONNECT (\S+)/.exec(await connectTo(name, listener))?.[1];
  const ipv4 = (): string => `127.0.0.1:${origin.port}`;
  const ipv6 = (): string => `[${USELESS}]:${origin.port}`;

  it('is asked for the IPv4 one, also where that is late', async () => {
    names.script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, USELESS) : late(a(name)));
    expect(await asked('late.far.test')).toBe(ipv4());
    expect(await asked('late.far.test')).toBe(ipv4());
  });

  it('is asked for the IPv4 one that could not be had before', async () => {
    names.script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, USELESS) : { rcode: 'SERVFAIL' });
    expect(await asked('again.far.test')).toBe(ipv6());
    names.script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, USELESS) : a(name));
    expect(await asked('again.far.test')).toBe(ipv4());
  });

  const others: readonly { readonly title: string; readonly other: (name: string) => ReturnType<Script> }[] = [
    { title: 'is none', other: () => ({}) },
    { title: 'may not be dialled', other: (name) => late(a(name, '10.0.0.1')) },
    { title: 'is not to be had', other: () => undefined },
  ];
  it.each(others)('is asked for the IPv6 one where the other $title', async ({ title, other }) => {
    names.script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, USELESS) : other(name));
    expect(await asked(`${title.replaceAll(' ', '-')}.far.test`)).toBe(ipv6());
  });

  it('is asked for the IPv6 one while there is time for it', async () => {
    names.script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, USELESS) : undefined);
    expect(await asked('hasty.far.test', 'hasty')).toBe(ipv6());
  });
});

describe('an AAAA record that holds an IPv4-mapped address', () => {
  it('is an address, and held to the rules for it', async () => {
    names.script = ({ name, type }) => (type === 'AAAA' ? aaaa(name, '::ffff:10.0.0.1') : {});
    expect(await connectTo('mapped.test')).toMatch(/^HTTP\/1\.1 403 [^]*destination_ip_prohibited/);
    expect(Buffer.from(await ask(proxy.port('transparent'), helloFor('mapped.test')), 'latin1')[6]).toBe(49);
  });
});

describe('nine addresses that refuse', () => {
  it('do not hide the tenth', async () => {
    const refusing = Array.from({ length: 9 }, (_, at) => `127.0.1.${at + 1}`);
    names.script = ({ name, type }) => ({
      answers: type === 'A' ? [...refusing, '127.0.0.1'].map((each) => record('A', name, each)) : [],
    });
    expect(await connectTo('tenth.test')).toMatch(/^HTTP\/1\.1 200 [^]*origin$/);
  });
});
