import { expect, it } from 'vitest';
import { encodeHead } from '../../src/http/encode-head.ts';

it('writes a start line and fields, an octet a character', () => {
  const head = encodeHead('HTTP/1.1 103 Early H\xefnts', [
    ['Link', '</x>; title="\xe9"'],
    ['Via', '1.1 a'],
  ]);
  expect(head).toEqual(
    Buffer.from('HTTP/1.1 103 Early H\xefnts\r\nLink: </x>; title="\xe9"\r\nVia: 1.1 a\r\n\r\n', 'latin1'),
  );
});
