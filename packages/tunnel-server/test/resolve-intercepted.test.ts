import { connect } from 'node:net';
import { createPortableTransport, type Leg } from '@sallyport/tunnel-splice';
import { afterAll, describe, expect, it } from 'vitest';
import { ownAddresses } from '../src/own-addresses.ts';
import { Resolver } from '@sallyport/resolver';
import type { Identified } from '../src/frontend.ts';
import { type InterceptionSettings, resolveIntercepted } from '../src/resolve-intercepted.ts';
import { ip } from '../../addresses/test/literal.ts';

const CACHE = { entries: 100, min_ttl: 1000, max_ttl: 300_000, negative_ttl: 5000, stale_if_error: Infinity };
const hosts = { 'a.example': ['192.0.2.1', '192.0.2.2'] };
const resolver = new Resolver({
  servers: [{ host: '127.0.0.1', port: 1 }],
  hosts,
  family: 'auto',
  cache: CACHE,
  timeout: 100,
});
const own = ownAddresses([{ host: '192.0.2.100', port: 8443 }]);

const transport = createPortableTransport();
afterAll(() => transport.stop());

describe('resolveIntercepted', () => {
  it('resolves the name again with dial: sni, whatever address the client chose', async () => {
    const { addresses } = await resolve({ going: '203.0.113.9' });
    expect(addresses).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  it('takes the address that the client chose with dial: original, and asks for no name', async () => {
    const { addresses } = await resolve({ going: '203.0.113.9', name: 'unknown.example', dial: 'original' });
    expect(addresses).toEqual(['203.0.113.9']);
  });

  it('refuses a client that came to the door itself', async () => {
    await expect(resolve({ going: '192.0.2.100', port: 8443 })).rejects.toMatchObject({ reason: 'loop' });
    await expect(resolve({ going: '192.0.2.100', port: 443 })).resolves.toBeDefined();
  });

  it('enforces that the name has the address', async () => {
    const matching = await resolve({ going: '192.0.2.2', verify_sni: 'enforce' });
    expect(matching.results).toEqual(['match']);
    await expect(resolve({ going: '203.0.113.9', verify_sni: 'enforce' })).rejects.toMatchObject({
      reason: 'sni_mismatch',
      message: 'a.example does not resolve to 203.0.113.9, where the client was going.',
    });
  });

  it('says why it could not tell, when it had to', async () => {
    const asked = resolve({ going: '203.0.113.9', name: 'gone.invalid', dial: 'original', verify_sni: 'enforce' });
    await expect(asked).rejects.toMatchObject({ reason: 'dns' });
  });

  it('only counts and remarks with report', async () => {
    expect(await resolve({ going: '203.0.113.9', dial: 'original', verify_sni: 'report' })).toEqual({
      addresses: ['203.0.113.9'],
      results: ['mismatch'],
      remarks: ['a.example does not resolve to 203.0.113.9, where the client was going.'],
    });
  });

  it.each([
    { name: 'gone.invalid', title: 'the name does not exist', results: ['mismatch'] },
    { name: 'unknown.example', title: 'no name server answers', results: [] },
  ])('counts a mismatch only where it is known: $title', async ({ name, results }) => {
    const told = await resolve({ going: '203.0.113.9', name, dial: 'original', verify_sni: 'report' });
    expect(told.results).toEqual(results);
    expect(told.remarks).toEqual([expect.stringContaining(`${name} does not resolve: `)]);
  });

  it('takes no address for a destination that was not derived from it', async () => {
    for (const verify_sni of ['off', 'report', 'enforce'] as const) {
      const fallback = { destination: { kind: 'name', host: 'a.example', port: 443 }, original: undefined } as const;
      const { addresses, results } = await resolve({
        going: '203.0.113.9',
        name: null,
        dial: 'original',
        verify_sni,
        ...fallback,
      });
      expect(addresses).toEqual(['192.0.2.1', '192.0.2.2']);
      expect(results).toEqual(verify_sni === 'off' ? [] : ['absent']);
    }
  });

  it('has nothing to hold against a client that names nobody', async () => {
    const { addresses, results } = await resolve({ going: '203.0.113.9', name: null, verify_sni: 'enforce' });
    expect(addresses).toEqual(['203.0.113.9']);
    expect(results).toEqual(['absent']);
  });
});

interface Case extends Partial<InterceptionSettings> {
  /** Where the client was going. */
  readonly going: string;
  readonly port?: number;
  /** What its ClientHello names; null: nobody, and the door lets it go where it was going. */
  readonly name?: string | null;
  /** What the frontend made of that, where it was something else. */
  readonly destination?: Identified['destination'];
  readonly original?: Identified['original'];
}

async function resolve({ going, port = 443, name = 'a.example', dial = 'sni', verify_sni = 'off', ...made }: Case) {
  const original = { host: going, port };
  const client = Object.assign(await acceptClient(), { original });
  const destination: Identified['destination'] =
    name === null ? { kind: 'address', host: going, ip: ip(going), port } : { kind: 'name', host: name, port };
  const hello = {
    sni: name ?? undefined,
    literal: undefined,
    alpn: [],
    alpnDropped: 0,
    tls: 'TLSv1.3',
    ech: false,
    random: 0,
  };
  const results: string[] = [];
  const remarks: string[] = [];
  const tools = {
    resolver,
    own,
    onResult: (one: string) => results.push(one),
    onRemark: (one: string) => remarks.push(one),
  };
  const resolved = await resolveIntercepted(
    { destination, hello, original, ...made },
    client,
    { dial, verify_sni },
    tools,
  );
  return { addresses: resolved.addresses.map(({ text }) => text), results, remarks };
}

/** A real client; that it was intercepted, only netfilter could bring about. */
function acceptClient(): Promise<Leg> {
  return new Promise((accept, reject) => {
    transport.listen({ host: '127.0.0.1', port: 0 }, accept).then(({ address }) => connect(address), reject);
  });
}
