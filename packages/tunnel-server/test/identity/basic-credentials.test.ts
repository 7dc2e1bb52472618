import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBasicCredentials } from '../../src/identity/basic-credentials.ts';

const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const credentials = (name: string, password: string) => ({ kind: 'credentials', credentials: { name, password } });

describe('parseBasicCredentials', () => {
  it('reads as Latin-1 what is no UTF-8', () => {
    const value = `Basic ${Buffer.from('caf\xe9:\xfcber', 'latin1').toString('base64')}`;
    expect(parseBasicCredentials(value)).toEqual(credentials('café', 'über'));
  });

  it('reads as UTF-8 what is both', () => {
    expect(parseBasicCredentials(`Basic ${encode('café:b')}`)).toEqual(credentials('café', 'b'));
  });

  it.each([
    { value: 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', name: 'Aladdin', password: 'open sesame' },
    { value: 'basic dGVzdDoxMjPCow==', name: 'test', password: '123\u00a3' },
    { value: `BASIC ${encode('alice:a:b:c')}`, name: 'alice', password: 'a:b:c' },
    { value: `Basic   ${encode('alice:')}`, name: 'alice', password: '' },
    { value: `Basic ${encode(':secret')}`, name: '', password: 'secret' },
    { value: `Basic ${encode('\ufeffa:b')}`, name: '\ufeffa', password: 'b' },
  ])('reads $value', ({ value, name, password }) => {
    expect(parseBasicCredentials(value)).toEqual(credentials(name, password));
  });

  it.each([
    { value: '', why: 'the field is empty' },
    { value: 'whatever', why: 'the scheme is not Basic' },
    { value: `Bearer ${encode('a:b')}`, why: 'the scheme is not Basic' },
    { value: `Basic ${encode('a:b')} more`, why: 'the credentials are not in base64' },
    { value: 'Digest username="a"', why: 'the scheme is not Basic' },
    { value: '123', why: 'the scheme is not Basic' },
    { value: 'Basic', why: 'there is nothing behind the scheme' },
    { value: 'Basic a:b', why: 'the credentials are not in base64' },
    { value: 'Basic YTpi!', why: 'the credentials are not in base64' },
    { value: 'Basic YTpiYw', why: 'the credentials are not in base64' },
    { value: 'Basic YTpiYw=', why: 'the credentials are not in base64' },
    { value: 'Basic YTpiYx==', why: 'the credentials are not in base64' },
    { value: 'Basic __-_', why: 'the credentials are not in base64' },
    {
      value: `Basic ${Buffer.from('caf\x85:b', 'latin1').toString('base64')}`,
      why: 'the credentials have a control character',
    },
    { value: `Basic ${encode('a\0:b')}`, why: 'the credentials have a control character' },
    { value: `Basic ${encode('a:b\n')}`, why: 'the credentials have a control character' },
    { value: `Basic ${encode('a:b\u009b')}`, why: 'the credentials have a control character' },
    { value: `Basic ${encode('alice')}`, why: 'the credentials have no colon' },
  ])('cannot use $value: $why', ({ value, why }) => {
    expect(parseBasicCredentials(value)).toEqual({ kind: 'unusable', why });
  });

  it('reads back every name without a colon and every password, but for control characters', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((candidate) => !/\p{Cc}/u.test(candidate));
    const name = text.filter((candidate) => !candidate.includes(':'));
    fc.assert(
      fc.property(name, text, (one, other) => {
        expect(parseBasicCredentials(`Basic ${encode(`${one}:${other}`)}`)).toEqual(credentials(one, other));
      }),
    );
  });
});
