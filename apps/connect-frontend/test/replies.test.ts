import { describe, expect, it } from 'vitest';
import { CONNECTION_ESTABLISHED } from '../src/replies.ts';

describe('CONNECTION_ESTABLISHED', () => {
  it('is a 200 and an empty line, with neither Content-Length nor Transfer-Encoding', () => {
    expect(Buffer.from(CONNECTION_ESTABLISHED).toString()).toBe('HTTP/1.1 200 Connection Established\r\n\r\n');
  });
});
