import fc from 'fast-check';
import { parseList, Token } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import { REFUSALS, TunnelError, type Refusal, type RefusalReason } from '../src/reasons.ts';
import { encodeRefusal, type RefusalContext } from '../src/refusal-reply.ts';

const TUNNEL = { id: '7f3a', listener: 'explicit', destination: { host: 'example.com', port: 443 } };
const CONTEXT = { tunnel: TUNNEL, date: new Date(Date.UTC(1994, 10, 6, 8, 49, 37)) };

describe('encodeRefusal', () => {
  it('words a refusal to the byte', () => {
    expect(encodeText('policy', 'No rule allows example.com:443.')).toBe(
      [
        'HTTP/1.1 403 Forbidden (No rule allows example.com:443)',
        'Date: Sun, 06 Nov 1994 08:49:37 GMT',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Length: 54',
        'Connection: close',
        'Proxy-Status: sallyport; error=http_request_denied; details="No rule allows example.com:443"',
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
    expect(words).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z][A-Za-z -]+ \\(No\\)\\r\\n`));
    expect(proxyStatus(words)).toMatchObject({ error: proxyError, details: 'No' });
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

describe('the sentence of a refusal', () => {
  it.each([
    { what: 'accents', message: 'Frag im Büro nach Zoë.', phrase: 'Frag im Buro nach Zoe.' },
    {
      what: 'the marks of typography',
      message: '“Don’t” – ask… → ‹wiki›',
      phrase: `"Don't" - ask... -> 'wiki'`,
    },
    { what: 'letters without an accent to lose', message: 'Straße, Łódź, Ærø', phrase: 'Strasse, Lodz, AEro' },
    { what: 'other scripts', message: '許可 is missing', phrase: '?? is missing' },
    { what: 'quotes', message: 'Say "please" \\o/', phrase: 'Say "please" \\o/' },
    { what: 'line ends', message: 'a\r\nSet-Cookie: b', phrase: 'a??Set-Cookie: b' },
  ])('is printable ASCII in the head, whatever it holds: $what', ({ message, phrase }) => {
    const words = text(encodeRefusal(new TunnelError('policy', message, { isVerbatim: true }), CONTEXT)?.bytes);
    expect(words.split('\r\n')[0]).toBe(`HTTP/1.1 403 Forbidden (${phrase})`);
    expect(proxyStatus(words)).toMatchObject({ details: phrase });
    expect(words).toContain(`\r\n\r\n${message} (policy, tunnel 7f3a).\n`);
  });

  it('loses its middle where it is too long for a status line, and keeps its port', () => {
    const host = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.example`;
    const [line = ''] = encodeText('policy', `No rule allows ${host}:8443.`).split('\r\n');
    expect(line).toHaveLength(200);
    expect(line).toMatch(/^HTTP\/1\.1 403 Forbidden \(No rule allows aaa[ab.]*\.\.\.[bc.]*example:8443\)$/);
  });

  it('makes a head that a parser of structured fields reads back, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...reasonsOf(({ http }) => http !== undefined)),
        fc.string({ unit: 'binary', maxLength: 2_000 }),
        fc.string({ unit: 'binary' }),
        (reason, sentence, rcode) => {
          const reply = encodeRefusal(new TunnelError(reason, sentence, { rcode }), CONTEXT);
          const [head = ''] = Buffer.from(reply?.bytes ?? [])
            .toString('latin1')
            .split('\r\n\r\n');
          const [statusLine = '', ...fields] = head.split('\r\n');
          expect(statusLine).toMatch(/^HTTP\/1\.1 [45][0-9]{2} [ -~]+$/);
          expect(statusLine.length).toBeLessThanOrEqual(200);
          for (const field of fields) expect(field).toMatch(/^[A-Za-z-]+: [ -~]+$/);
          expect(proxyStatus(head)['details']).toBeTypeOf('string');
        },
      ),
    );
  });

  it.each([
    { context: { rcode: 'NXDOMAIN' }, parameters: { rcode: 'NXDOMAIN' } },
    { context: {}, parameters: {} },
  ])('comes with what the name server said: $parameters', ({ context, parameters }) => {
    const reply = encodeRefusal(new TunnelError('dns', 'No.', context), CONTEXT);
    expect(proxyStatus(text(reply?.bytes))).toEqual({ error: 'dns_error', ...parameters, details: 'No' });
  });

  it('comes with the status of a faulty request', () => {
    const parameters = { 'status-code': 400, 'status-phrase': 'Bad Request', details: 'No' };
    expect(proxyStatus(encodeText('malformed', 'No.'))).toEqual({ error: 'http_request_error', ...parameters });
  });
});

describe('a refusal in JSON', () => {
  const problemOf = (error: TunnelError, context: Partial<RefusalContext> = {}): unknown => {
    const asked = { ...CONTEXT, accept: 'application/problem+json', ...context };
    const [head = '', content = ''] = text(encodeRefusal(error, asked)?.bytes).split('\r\n\r\n');
    expect(head).toContain('\r\nContent-Type: application/problem+json\r\n');
    expect(head).toContain(`\r\nContent-Length: ${Buffer.byteLength(content)}\r\n`);
    return JSON.parse(content);
  };

  it('says all that the client may know', () => {
    const error = new TunnelError('policy', 'No rule allows example.com:443.', { rule: 'default', remedy: 'Ask Ada.' });
    expect(problemOf(error)).toEqual({
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: 'No rule allows example.com:443',
      reason: 'policy',
      rule: 'default',
      host: 'example.com',
      port: 443,
      listener: 'explicit',
      id: '7f3a',
      remedy: 'Ask Ada.',
    });
  });

  it('leaves out what is not known', () => {
    const problem = problemOf(new TunnelError('malformed', 'No.'), { tunnel: { id: '1', listener: 'a' } });
    expect(Object.keys(problem as object)).toEqual([
      'type',
      'title',
      'status',
      'detail',
      'reason',
      'listener',
      'id',
      'remedy',
    ]);
  });
});

/** The parameters of our member of Proxy-Status, as a parser that is not ours reads them. */
function proxyStatus(head: string): Readonly<Record<string, unknown>> {
  const [, value = ''] = /\r\nProxy-Status: (.*)(?:\r\n|$)/.exec(head) ?? [];
  const [member] = parseList(value);
  if (member === undefined) throw new Error(`no Proxy-Status in ${head}`);
  expect(String(member[0])).toBe('sallyport');
  return Object.fromEntries(
    [...member[1]].map(([name, parameter]) => [name, parameter instanceof Token ? parameter.toString() : parameter]),
  );
}

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
