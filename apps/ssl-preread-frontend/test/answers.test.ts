import { REFUSALS, TunnelError, encodeAlert, type AlertName, type RefusalReason } from '@sallyport/tunnel-server';
import { describe, expect, it } from 'vitest';
import { answerInHttp, answerInTls } from '../src/answers.ts';
import { TUNNEL } from './frontend-fixture.ts';

describe('in TLS', () => {
  // The column of the contract, once more: the table and the wire are to agree with what users were promised.
  const promised: Partial<Record<RefusalReason, AlertName>> = {
    malformed: 'decode_error',
    too_large: 'decode_error',
    policy: 'access_denied',
    address: 'access_denied',
    loop: 'internal_error',
    client_limit: 'internal_error',
    overload: 'internal_error',
    dns: 'unrecognized_name',
    dns_timeout: 'internal_error',
    refused: 'internal_error',
    unreachable: 'internal_error',
    connect_timeout: 'internal_error',
    no_sni: 'missing_extension',
    ech: 'access_denied',
  };

  it.each(Object.entries(promised))('%s is answered with %s', (reason, alert) => {
    expect(answerInTls(errorOf(reason))).toEqual({ bytes: encodeAlert(alert) });
  });

  it.each(['handshake_timeout', 'not_tls', 'client_closed'])('%s is not answered', (reason) => {
    expect(answerInTls(errorOf(reason))).toEqual({});
  });
});

describe('in HTTP', () => {
  const answerTo = (request: string) => {
    const error = new TunnelError('misdirected', 'Send it elsewhere.');
    const { status, bytes } = answerInHttp(error, TUNNEL, Buffer.from(request));
    const [head = '', content = ''] = Buffer.from(bytes ?? [])
      .toString('latin1')
      .split('\r\n\r\n');
    return { status, head, content };
  };
  const { status, head, content } = answerTo('CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n');

  it('is 421 and closes', () => {
    expect(status).toBe(421);
    expect(head).toMatch(/^HTTP\/1\.1 421 Misdirected Request \(Send it elsewhere\)\r\n/);
    expect(head.split('\r\n')).toContain('Connection: close');
  });

  it('is one sentence with the reason and the tunnel id, as long as it says it is', () => {
    expect(content).toBe('Send it elsewhere (misdirected, tunnel 7f3a).\n');
    expect(head.split('\r\n')).toContain(`Content-Length: ${content.length}`);
    expect(head.split('\r\n')).toContain('Content-Type: text/plain; charset=utf-8');
  });

  it('is problem JSON to a client that asks for it in what was read of its request', () => {
    const asked = answerTo('GET / HTTP/1.1\r\naCCept: application/json\r\n\r\nAccept: text/plain');
    expect(asked.head).toContain('\r\nContent-Type: application/problem+json\r\n');
    expect(JSON.parse(asked.content)).toMatchObject({
      status: 421,
      reason: 'misdirected',
      detail: 'Send it elsewhere',
    });
  });

  it.each(['HEAD / HTTP/1.1\r\n', '\r\nHEAD / HTTP/1.1\r\n'])('has no content for %j', (request) => {
    expect(answerTo(request).content).toBe('');
  });
});

function errorOf(reason: string): TunnelError {
  if (!isReason(reason)) throw new Error(`${reason} is no reason`);
  return new TunnelError(reason, 'A sentence.');
}

function isReason(text: string): text is RefusalReason {
  return text in REFUSALS;
}
