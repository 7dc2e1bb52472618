import { describe, expect, it } from 'vitest';
import { requestContentForm, responseContentForm } from '../../src/http/content-form.ts';
import { readRequest, readResponse } from './heads.ts';

const CHUNKED = 'Transfer-Encoding: chunked';

describe('the content of a request', () => {
  it.each([
    { lines: [], form: { kind: 'none' } },
    { lines: ['Content-Length: 0'], form: { kind: 'length', lengthBytes: 0 } },
    { lines: ['content-length: 12'], form: { kind: 'length', lengthBytes: 12 } },
    { lines: ['Transfer-Encoding: CHUNKED'], form: { kind: 'chunked' } },
  ])('is framed by $lines as $form.kind', ({ lines, form }) => {
    expect(requestContentForm(readRequest('PUT / HTTP/1.1', ...lines))).toEqual(form);
  });

  it.each([
    ['Content-Length: 1', 'Content-Length: 1'],
    ['Content-Length: 1, 1'],
    ['Content-Length: +1'],
    ['Content-Length: 0x1'],
    ['Content-Length: 010'],
    ['Content-Length:'],
    ['Content-Length: 99999999999999999999'],
    ['Content-Length: 1', CHUNKED],
    [CHUNKED, CHUNKED],
    ['Transfer-Encoding: chunked, chunked'],
    ['Transfer-Encoding: gzip, chunked'],
    ['Transfer-Encoding: chunked, gzip'],
    ['Transfer-Encoding: xchunked'],
    ['Transfer-Encoding: identity'],
    ['Transfer-Encoding:'],
  ])('is malformed by %s %s', (...lines) => {
    expect(requestContentForm(readRequest('PUT / HTTP/1.1', ...lines)).kind).toBe('malformed');
  });

  it('is never chunked in HTTP/1.0', () => {
    expect(requestContentForm(readRequest('PUT / HTTP/1.0', CHUNKED)).kind).toBe('malformed');
  });
});

describe('the content of a response', () => {
  it.each([
    { status: 200, lines: [], form: { kind: 'until-end' } },
    { status: 200, lines: [CHUNKED], form: { kind: 'chunked' } },
    { status: 200, lines: ['Content-Length: 5', 'Content-Length: 5'], form: { kind: 'length', lengthBytes: 5 } },
    { status: 200, lines: ['Content-Length: 5, 5'], form: { kind: 'length', lengthBytes: 5 } },
    { status: 200, lines: ['Content-Length: 010'], form: { kind: 'length', lengthBytes: 10 } },
    { status: 200, lines: ['Content-Length: 5', CHUNKED], form: { kind: 'chunked' } },
    { status: 200, lines: ['Content-Length: five', CHUNKED], form: { kind: 'chunked' } },
    { status: 200, lines: ['Transfer-Encoding: Identity'], form: { kind: 'until-end' } },
    {
      status: 200,
      lines: ['Transfer-Encoding: identity', 'Content-Length: 5'],
      form: { kind: 'length', lengthBytes: 5 },
    },
    { status: 103, lines: ['Content-Length: 5'], form: { kind: 'none' } },
    { status: 204, lines: ['Content-Length: 5'], form: { kind: 'none' } },
    { status: 304, lines: [CHUNKED], form: { kind: 'none' } },
  ])('of a $status is framed by $lines as $form.kind', ({ status, lines, form }) => {
    expect(responseContentForm(readResponse(`HTTP/1.1 ${status} x`, ...lines), 'GET')).toEqual(form);
  });

  it('is none to a HEAD', () => {
    expect(responseContentForm(readResponse('HTTP/1.1 200 OK', 'Content-Length: 5'), 'HEAD')).toEqual({ kind: 'none' });
  });

  it.each([
    ['Content-Length: 5', 'Content-Length: 6'],
    ['Content-Length: 5, 6'],
    ['Content-Length: five'],
    [CHUNKED, CHUNKED],
    ['Transfer-Encoding: gzip'],
    ['Transfer-Encoding: identity, chunked'],
    ['Transfer-Encoding: \x0bchunked'],
    ['Content-Length: 5\x01'],
  ])('is malformed by %s %s, in any response', (...lines) => {
    for (const status of [103, 200, 204]) {
      expect(responseContentForm(readResponse(`HTTP/1.1 ${status} x`, ...lines), 'GET').kind).toBe('malformed');
    }
  });

  it('may be chunked in HTTP/1.0', () => {
    expect(responseContentForm(readResponse('HTTP/1.0 200 OK', CHUNKED), 'GET')).toEqual({ kind: 'chunked' });
  });
});
