import { describe, expect, it } from 'vitest';
import { REFUSALS, TunnelError, type Refusal, type RefusalReason } from '../src/reasons.ts';
import { encodeRefusal } from '../src/refusal-reply.ts';

const CONTEXT = { tunnelId: '7f3a', date: new Date(Date.UTC(1994, 10, 6, 8, 49, 37)) };

describe('encodeRefusal', () => {
  it('words a refusal to the byte', () => {
    expect(encodeText('policy', 'No rule allows example.com:443.')).toBe(
      [
        'HTTP/1.1 403 Forbidden',
        'Date: Sun, 06 Nov 1994 08:49:37 GMT',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Length: 54',
        'Connection: close',
        'Proxy-Status: sallyport; error=http_request_denied',
        '',
        'No rule allows example.com:443 (policy, tunnel 7f3a).\n',
      ].join('\r\n'),
    );
  });

  it.each([
    ['malformed', 400, 'http_request_error'],
    ['too_large', 431, 'http_request_error'],
    ['handshake_timeout', 408, 'http_request_error'],
    ['method', 405, 'http_request_error'],
    ['policy', 403, 'http_request_denied'],
    ['address', 403, 'destination_ip_prohibited'],
    ['loop', 502, 'proxy_loop_detected'],
    ['client_limit', 429, 'http_request_denied'],
    ['overload', 503, 'connection_limit_reached'],
    ['dns', 502, 'dns_error'],
    ['dns_timeout', 504, 'dns_timeout'],
    ['refused', 502, 'connection_refused'],
    ['unreachable', 502, 'destination_ip_unroutable'],
    ['connect_timeout', 504, 'connection_timeout'],
    ['upstream_closed', 502, 'connection_terminated'],
    ['upstream_reset', 502, 'connection_terminated'],
    ['bad_response', 502, 'http_protocol_error'],
    ['idle', 504, 'http_response_timeout'],
    ['lifetime', 504, 'http_response_timeout'],
  ] as const)('answers %s with %i and the proxy error %s', (reason, status, proxyError) => {
    const reply = encodeRefusal(new TunnelError(reason, 'No.'), CONTEXT);
    expect(reply?.status).toBe(status);
    const words = text(reply?.bytes);
    expect(words).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z][A-Za-z -]+\\r\\n`));
    expect(words).toContain(`\r\nProxy-Status: sallyport; error=${proxyError}\r\n`);
    expect(words).toContain(`\r\n\r\nNo (${reason}, tunnel 7f3a).\n`);
  });

  it.each(reasonsOf(({ http }) => http === undefined))('has no words for %s', (reason) => {
    expect(encodeRefusal(new TunnelError(reason, 'No.'), CONTEXT)).toBeUndefined();
  });

  it.each(reasonsOf(({ http }) => http !== undefined))(
    'closes after %s, and announces the content it sends',
    (reason) => {
      const [head = '', content = ''] = encodeText(reason, 'Ünötig.').split('\r\n\r\n');
      expect(head).toContain('\r\nConnection: close');
      expect(head).toContain(`\r\nContent-Length: ${Buffer.byteLength(content)}`);
      expect(head).not.toMatch(/transfer-encoding|keep-alive/i);
    },
  );

  it('names the method that is served with a 405 alone', () => {
    expect(encodeText('method', 'No.')).toContain('\r\nAllow: CONNECT\r\n');
    expect(encodeText('malformed', 'No.')).not.toContain('Allow:');
  });

  it.each([
    { retryAfterSeconds: undefined, field: 'Retry-After: 1' },
    { retryAfterSeconds: 30, field: 'Retry-After: 30' },
    { retryAfterSeconds: 0.005, field: 'Retry-After: 1' },
  ])('asks a client with $retryAfterSeconds s to wait for $field', ({ retryAfterSeconds, field }) => {
    const context = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
    const reply = encodeRefusal(new TunnelError('client_limit', 'Too many.', context), CONTEXT);
    expect(text(reply?.bytes)).toContain(`\r\n${field}\r\n`);
  });

  it('answers a HEAD without content, but with the length it would have had', () => {
    const reply = encodeRefusal(new TunnelError('method', 'No.'), { ...CONTEXT, isHead: true });
    expect(text(reply?.bytes)).toMatch(/\r\nContent-Length: 26\r\n(.+\r\n)+\r\n$/);
  });
});

function reasonsOf(predicate: (refusal: Refusal) => boolean): readonly RefusalReason[] {
  return Object.keys(REFUSALS).filter((key): key is RefusalReason => isReason(key) && predicate(REFUSALS[key]));
}

function isReason(key: string): key is RefusalReason {
  return key in REFUSALS;
}

function encodeText(reason: RefusalReason, sentence: string): string {
  return text(encodeRefusal(new TunnelError(reason, sentence), CONTEXT)?.bytes);
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}
