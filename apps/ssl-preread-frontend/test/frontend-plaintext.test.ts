import { TunnelError, type Frontend } from '@sallyport/tunnel-server';
import type { Leg } from '@sallyport/tunnel-splice';
import { describe, expect, it } from 'vitest';
import { FALLBACK, LIMIT_BYTES, openFrontend, refuse, TUNNEL } from './frontend-fixture.ts';
import { join, record } from './hello-fixtures.ts';

const { identify } = openFrontend();

describe('plaintext', () => {
  it.each([
    ['x', 'x'.repeat(1000)],
    ['SSH', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a TLS alert', record(join(2, 40), { type: 21 })],
    ['a line of text that never ends', `EHLO ${'x'.repeat(LIMIT_BYTES)}`],
  ])('that is no HTTP is closed on without a word: %s', async (_what, bytes) => {
    const { reason, status, said } = await refuse(await identify(bytes));
    expect({ reason, status, said: said.length }).toEqual({ reason: 'not_tls', status: undefined, said: 0 });
  });

  it('that is HTTP is answered 421', async () => {
    const { reason, status, said } = await refuse(await identify('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'));
    expect({ reason, status }).toEqual({ reason: 'not_tls', status: 421 });
    expect(said.toString()).toMatch(/^HTTP\/1\.1 421 [^]*\r\n\r\nThis port [^\n]*\(not_tls, tunnel 7f3a\)\.\n$/);
  });

  it('that is a request line without an end is answered 421 too', async () => {
    const { reason, status } = await refuse(await identify(`GET /${'x'.repeat(LIMIT_BYTES)}`));
    expect({ reason, status }).toEqual({ reason: 'not_tls', status: 421 });
  });

  it('that is HTTP is handed on whole, as soon as its request line is there, where the door forwards it', async () => {
    const { outcome } = await identify('GET / HTTP/1.1\r\nHo', { forwardsHttp: true });
    if (outcome instanceof TunnelError || !('kind' in outcome)) throw new Error('it is no plain HTTP');
    expect(Buffer.from(outcome.clientBytes).toString()).toBe('GET / HTTP/1.1\r\nHo');
    expect(outcome.isToProxy).toBe(false);
    expect(await outcome.identifyUser('Basic x', Infinity)).toEqual({});
  });

  it('that is a request line without an end is handed on too, for it is the head of HTTP that is too large', async () => {
    for (const target of [`/${'x'.repeat(LIMIT_BYTES)}`, `http://a.example/${'x'.repeat(LIMIT_BYTES)}`]) {
      const { outcome } = await identify(`GET ${target}`, { forwardsHttp: true });
      expect(outcome).toMatchObject({ kind: 'http' });
    }
    const { reason } = await refuse(await identify(`EHLO ${'x'.repeat(LIMIT_BYTES)}`, { forwardsHttp: true }));
    expect(reason).toBe('not_tls');
  });

  it('that is no HTTP is closed on also where the door forwards HTTP', async () => {
    const { reason } = await refuse(await identify('SSH-2.0-OpenSSH_9.9\r\n', { forwardsHttp: true }));
    expect(reason).toBe('not_tls');
  });

  it('that is a CONNECT is told where the explicit door is', async () => {
    const connect = 'CONNECT a.example:443 HTTP/1.1\r\n\r\n';
    const { reason, status, said } = await refuse(await identify(connect, { explicitDoor: 'proxy.example:3128' }));
    expect({ reason, status }).toEqual({ reason: 'misdirected', status: 421 });
    expect(said.toString()).toMatch(/^HTTP\/1\.1 421 [^]* proxy\.example:3128 \(misdirected, tunnel 7f3a\)\.\n$/);
  });

  it('that is a CONNECT is told if there is no explicit door', async () => {
    const { said } = await refuse(await identify('CONNECT a.example:443 HTTP/1.1\r\n\r\n'));
    expect(said.toString()).toContain('no door here takes one');
  });
});

const GREETING = { bytes: Buffer.from('welcome'), status: 200 };

describe('a CONNECT that the other door serves', () => {
  const connect = 'CONNECT b.example:443 HTTP/1.1\r\n\r\nearly';

  /** Another door's frontend that notes what it is asked to do, and does nothing. */
  function otherDoor(calls: unknown[]): (client: Leg) => Frontend {
    return () => ({
      identify: (limits, alreadyRead = new Uint8Array()) => {
        calls.push(['identify', limits.prereadLimitBytes, Buffer.from(alreadyRead).toString()]);
        return Promise.resolve({ destination: FALLBACK, clientBytes: Buffer.from('early') });
      },
      greeting: () => GREETING,
      establish: () => calls.push('establish'),
      refuse: (error, tunnelId) => {
        calls.push(['refuse', error.reason, tunnelId]);
        return 403;
      },
    });
  }

  it('is identified and established by it, with every byte that was read', async () => {
    const calls: unknown[] = [];
    const { outcome, frontend } = await identify(connect, { port: FALLBACK.port, misdirected: otherDoor(calls) });
    expect(frontend.greeting()).toBe(GREETING);
    frontend.establish();

    expect(outcome).toEqual({ destination: FALLBACK, clientBytes: Buffer.from('early') });
    expect(calls).toEqual([['identify', LIMIT_BYTES, connect], 'establish']);
  });

  it('is refused where it asks for another port than the clients of this door can', async () => {
    const explicitDoor = 'proxy.example:3128';
    const identification = await identify(connect, { port: 443, misdirected: otherDoor([]), explicitDoor });
    const { reason, status, said } = await refuse(identification);
    expect({ reason, status }).toEqual({ reason: 'misdirected', status: 421 });
    expect(identification.frontend.asked).toEqual(FALLBACK);
    expect(said.toString()).toContain('takes a CONNECT to port 443 alone: send it to proxy.example:3128');
  });

  it('is refused by it, in its own words', async () => {
    const calls: unknown[] = [];
    const { frontend } = await identify(connect, { port: FALLBACK.port, misdirected: otherDoor(calls) });

    expect(frontend.refuse(new TunnelError('policy', 'No.'), TUNNEL)).toBe(403);
    expect(calls.at(-1)).toEqual(['refuse', 'policy', TUNNEL]);
  });
});
