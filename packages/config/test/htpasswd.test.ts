import { hashSync } from 'bcryptjs';
import { describe, expect, it } from 'vitest';
import { parseHtpasswd } from '../src/htpasswd.ts';
import { finish } from '../src/steps.ts';

const HASH = hashSync('secret', 4);
const withVersion = (version: string): string => `$${version}${HASH.slice(3)}`;

describe('parseHtpasswd', () => {
  it('reads names and hashes between comments and empty lines', () => {
    const { users, problems } = finish(parseHtpasswd(`# staff\n\nalice:${HASH}\n  \nbob:${HASH}\n`));
    expect(problems).toEqual([]);
    expect([...users]).toEqual([
      ['alice', HASH],
      ['bob', HASH],
    ]);
  });

  it.each([
    { what: 'lines that end with CRLF', text: `alice:${HASH}\r\n` },
    { what: 'a byte order mark', text: `\ufeffalice:${HASH}` },
    { what: 'a comment behind the hash', text: `alice:${HASH}:Alice of the ops team` },
    { what: 'no line end at all', text: `alice:${HASH}` },
  ])('takes $what', ({ text }) => {
    expect(finish(parseHtpasswd(text))).toEqual({ users: new Map([['alice', HASH]]), problems: [] });
  });

  it.each(['2a', '2b', '2y'])('takes bcrypt of version %s', (version) => {
    expect(finish(parseHtpasswd(`alice:${withVersion(version)}`)).users.get('alice')).toBe(withVersion(version));
  });

  it.each([
    { hash: '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', kind: 'SHA-1 ({SHA})' },
    { hash: '{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', kind: 'salted SHA-1 ({SSHA})' },
    { hash: '$apr1$TqI9WECO$LHZB2DqRlk9nObiB6vJG9.', kind: "Apache's MD5 ($apr1$)" },
    { hash: '$1$salt$qJH7.N4xYta3aEG/dfqo/0', kind: 'MD5 ($1$)' },
    { hash: '$5$salt$Gcm6FsVtF/Qa77ZKD.iwsJlCVPY0XSMgLJL0Hnww/c1', kind: 'SHA-256 crypt ($5$)' },
    { hash: '$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6', kind: 'SHA-512 crypt ($6$)' },
    { hash: '$argon2id$v=19$m=65536$c2FsdA$aGFzaA', kind: 'Argon2' },
    { hash: '$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC', kind: 'yescrypt ($y$)' },
    { hash: withVersion('2x'), kind: 'a faulty or ancient bcrypt' },
    { hash: HASH.slice(0, -1), kind: 'a bcrypt hash that is cut short or damaged' },
    { hash: `${HASH}x`, kind: 'a bcrypt hash that is cut short or damaged' },
    { hash: 'rqXexS6ZhobKA', kind: 'plain text or DES crypt' },
    { hash: 'hunter2', kind: 'plain text or DES crypt' },
    { hash: '', kind: 'plain text or DES crypt' },
  ])('refuses a password kept as $kind, and says how to make it anew', ({ hash, kind }) => {
    const message = `the password of alice is kept as ${kind}, and only bcrypt is read; make it anew with htpasswd -B`;
    expect(finish(parseHtpasswd(`# a comment\nalice:${hash}`)).problems).toEqual([{ line: 2, message }]);
  });

  it.each([
    { line: 'hunter2', what: 'a line without a colon', message: /^a user needs a name and a hash/ },
    { line: `:${HASH}`, what: 'an empty name', message: /^the name in front of the colon is empty/ },
    {
      line: `ali\u0007ce:${HASH}`,
      what: 'a control character in a name',
      message: /^the name has a control character/,
    },
    { line: `alice:${HASH.replace('$04$', '$03$')}`, what: 'a cost that is too low', message: /is 3; .* 4 to 17/ },
    { line: `alice:${HASH.replace('$04$', '$18$')}`, what: 'a cost that is too high', message: /is 18; .* 4 to 17/ },
  ])('refuses $what', ({ line, message }) => {
    const { users, problems } = finish(parseHtpasswd(line));
    expect(users.size).toBe(0);
    expect(problems).toEqual([{ line: 1, message: expect.stringMatching(message) as unknown }]);
  });

  it('refuses a name given twice, at its second line', () => {
    const { problems } = finish(parseHtpasswd(`alice:${HASH}\nbob:${HASH}\nalice:${HASH}`));
    expect(problems).toEqual([{ line: 3, message: 'alice is there already; keep one of the lines' }]);
  });

  it.each(['hunter2', 'alice:hunter2', 'alice:$2b$hunter2'])('shows nothing of a secret in %s', (line) => {
    expect(JSON.stringify(finish(parseHtpasswd(line)).problems)).not.toContain('hunter2');
  });

  it('pauses often in a long file', () => {
    const text = Array.from({ length: 10_000 }, (_, number) => `user${number}:${HASH}\n`).join('');
    expect([...parseHtpasswd(text)].length).toBeGreaterThan(30);
  });
});
