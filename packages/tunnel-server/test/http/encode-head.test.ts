import { expect, it } from 'vitest';
import { encodeHead } from '../../src/http/encode-head.ts';

it('writes a status line, the fields in turn and an empty line, a character a byte', () => {
  const head = encodeHead(103, 'Early Hints', ['Link', '</a>', 'X', 'ü']);
  expect(head.toString('latin1')).toBe('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX: ü\r\n\r\n');
});
