import { describe, expect, it } from 'vitest';
import { whyUnfit } from '../src/authorities.ts';
import { createTlsTrust } from '../src/tls-trust.ts';
import { makeCertificate } from './certificates.ts';

const first = makeCertificate('/CN=First authority');
const second = makeCertificate('/CN=Second authority');

describe('a file of authorities', () => {
  it.each([
    { what: 'one certificate', pem: first.cert },
    { what: 'several', pem: first.cert + second.cert },
    { what: 'text before and between them', pem: `# ours\r\n${first.cert}\n# and theirs\n${second.cert}# end` },
    { what: 'a key among them', pem: first.cert + first.key + second.cert },
    { what: 'a byte order mark', pem: `\ufeff${first.cert}${second.cert}` },
    { what: 'line ends of Windows', pem: (first.cert + second.cert).replaceAll('\n', '\r\n') },
  ])('is fit with $what', ({ pem }) => {
    expect(whyUnfit(pem)).toBeUndefined();
    expect(createTlsTrust(pem).kind).toBe('ok');
  });

  it.each([
    { what: 'nothing in it', pem: '', why: /^is no certificate in PEM/ },
    { what: 'a key alone', pem: first.key, why: /^is no certificate in PEM/ },
    { what: 'a damaged certificate', pem: damaged(first.cert), why: /^has a certificate that is damaged/ },
    {
      what: 'a certificate cut short',
      pem: first.cert.slice(0, 300),
      why: /^has a certificate that is .* cut short; copy/,
    },
    { what: 'a damaged one first', pem: damaged(first.cert) + second.cert, why: /2 certificates, of which number 1 / },
    { what: 'a damaged one last', pem: first.cert + damaged(second.cert), why: /2 certificates, of which number 2 / },
    {
      what: 'one cut short',
      pem: `${first.cert}${second.cert.slice(0, 200)}\n${first.cert}`,
      why: /3 .* number 2 is damaged/,
    },
  ])('is not with $what', ({ pem, why }) => {
    expect(whyUnfit(pem)).toMatch(why);
    expect(createTlsTrust(pem)).toEqual({ kind: 'unfit', why: expect.stringMatching(why) as unknown });
  });
});

function damaged(pem: string): string {
  return pem.replace(/\n.{4}/, '\n!!!!');
}
