import type { Departure } from '@sallyport/tunnel-splice';
import { afterEach, describe, expect, it } from 'vitest';
import { parseDestination, type Destination } from '@sallyport/policy';
import { resolveDestination } from '../src/resolve-destination.ts';
import { Resolver } from '@sallyport/resolver';
import { startNameServer, zone, type FakeNameServer, type Script } from '../../resolver/test/fake-name-server.ts';

let fake: FakeNameServer | undefined;
let resolver: Resolver | undefined;

afterEach(async () => {
  resolver?.close();
  await fake?.stop();
});

describe('resolveDestination', () => {
  it('gives a literal back at once', async () => {
    const subject = await open(() => undefined);
    expect(resolveDestination(subject, destination('192.0.2.1'), new StayingClient())).toMatchObject({
      addresses: [{ text: '192.0.2.1' }],
    });
  });

  it('gives a name that is known at once, and one that is not in time', async () => {
    const subject = await open(zone({ 'host.example A': ['192.0.2.1'] }));
    const asked = resolveDestination(subject, destination('host.example'), new StayingClient());
    expect(asked).toBeInstanceOf(Promise);
    expect(await asked).toMatchObject({ addresses: [{ text: '192.0.2.1' }] });
    expect(resolveDestination(subject, destination('host.example'), new StayingClient())).toMatchObject({
      addresses: [{ text: '192.0.2.1' }],
    });
  });

  it.each([
    {
      said: { rcode: 'NXDOMAIN' },
      reason: 'dns',
      rcode: 'NXDOMAIN',
      sentence: 'gone.example does not resolve: there is no such name.',
    },
    {
      said: undefined,
      reason: 'dns_timeout',
      rcode: undefined,
      sentence: 'gone.example does not resolve: no name server answered in time.',
    },
  ] as const)('throws $reason with a sentence', async ({ said, reason, rcode, sentence }) => {
    const subject = await open(() => said);
    await expect(resolveDestination(subject, destination('gone.example'), new StayingClient())).rejects.toMatchObject({
      reason,
      rcode,
      message: sentence,
    });
  });

  it('throws client_closed as soon as the client leaves, and others still get the answer', async () => {
    let answer: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (answer = resolve));
    const subject = await open(async (asked) => {
      await gate;
      return zone({ 'host.example A': ['192.0.2.1'] })(asked);
    });
    const leaving = new StayingClient();
    const left = resolveDestination(subject, destination('host.example'), leaving);
    const other = resolveDestination(subject, destination('host.example'), new StayingClient());
    leaving.leave();
    await expect(left).rejects.toMatchObject({ reason: 'client_closed' });
    answer();
    expect(await other).toMatchObject({ addresses: [{ text: '192.0.2.1' }] });
  });
});

/** A client that is there until it is told to leave. */
class StayingClient {
  readonly remote = { host: '192.0.2.200', port: 50_000 };
  #listener: ((how: Departure) => void) | undefined;

  whenGone(listener: (how: Departure) => void): () => void {
    this.#listener = listener;
    return () => (this.#listener = undefined);
  }

  leave(): void {
    this.#listener?.('end');
  }
}

async function open(script: Script): Promise<Resolver> {
  fake = await startNameServer(script);
  const cache = { entries: 10, min_ttl: 1000, max_ttl: 300_000, negative_ttl: 5000, stale_if_error: 0 };
  resolver = new Resolver({ servers: [fake.address], hosts: {}, family: 'auto', cache, timeout: 1000 });
  return resolver;
}

function destination(host: string): Destination {
  const parsed = parseDestination(host, 443);
  if (parsed.kind === 'malformed') throw new Error(parsed.why);
  return parsed;
}
