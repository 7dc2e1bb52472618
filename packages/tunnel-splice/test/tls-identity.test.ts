import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createTlsIdentity, type TlsMaterial } from '../src/tls-identity.ts';
import { makeCertificate } from './certificates.ts';

const own = makeCertificate('/CN=proxy.test');
const other = makeCertificate('/CN=other.test');
const encrypted = createPrivateKey(own.key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
  .toString();

const unfit: readonly { what: string; material: TlsMaterial; part: string; why: RegExp }[] = [
  { what: 'a certificate that is none', material: { ...own, cert: 'x' }, part: 'cert', why: /no certificate in PEM/ },
  { what: 'an empty certificate', material: { ...own, cert: '' }, part: 'cert', why: /no certificate in PEM/ },
  { what: 'a key for a certificate', material: { ...own, cert: own.key }, part: 'cert', why: /no certificate in PEM/ },
  { what: 'a key that is none', material: { ...own, key: 'x' }, part: 'key', why: /no private key in PEM/ },
  {
    what: 'a certificate cut short',
    material: { ...own, cert: own.cert.slice(0, 300) },
    part: 'cert',
    why: /cut short; copy/,
  },
  {
    what: 'a chain that ends within a certificate',
    material: { ...own, cert: own.cert + other.cert.slice(0, 300) },
    part: 'cert',
    why: /has 2 certificates, of which number 2 is damaged/,
  },
  { what: 'a key cut short', material: { ...own, key: own.key.slice(0, 100) }, part: 'key', why: /cut short; copy/ },
  {
    what: 'a key with a passphrase',
    material: { ...own, key: encrypted },
    part: 'key',
    why: /passphrase.*openssl pkey/,
  },
  {
    what: "another certificate's key",
    material: { ...own, key: other.key },
    part: 'key',
    why: /not the certificate's/,
  },
  {
    what: 'an authority that is none',
    material: { ...own, clientCa: 'x' },
    part: 'clientCa',
    why: /no certificate in PEM/,
  },
  {
    what: 'authorities of which one is damaged',
    material: { ...own, clientCa: `${own.cert}${other.cert.replace(/\n.{4}/, '\n!!!!')}` },
    part: 'clientCa',
    why: /has 2 certificates, of which number 2 is damaged/,
  },
];

describe('createTlsIdentity', () => {
  it.each(unfit)('refuses $what, and says which part it is', ({ material, part, why }) => {
    const parts = [{ part, why: expect.stringMatching(why) as unknown }];
    expect(createTlsIdentity(material)).toEqual({ kind: 'unfit', parts });
  });

  it('names all parts that are unfit', () => {
    const result = createTlsIdentity({ cert: 'x', key: own.cert, clientCa: own.key });
    expect(result.kind === 'unfit' && result.parts.map(({ part }) => part)).toEqual(['cert', 'key', 'clientCa']);
  });

  it('reads files that an editor saved with a byte order mark', () => {
    const marked = { cert: `\ufeff${own.cert}`, key: `\ufeff${own.key}`, clientCa: `\ufeff${other.cert}` };
    expect(createTlsIdentity(marked).kind).toBe('ok');
  });

  it('asks clients for a certificate only where it is given an authority', () => {
    expect(createTlsIdentity(own)).toMatchObject({ kind: 'ok', identity: { asksForCertificate: false } });
    const asking = createTlsIdentity({ ...own, clientCa: other.cert });
    expect(asking).toMatchObject({ kind: 'ok', identity: { asksForCertificate: true } });
  });

  it('says until when the certificate is valid', () => {
    const result = createTlsIdentity(own);
    const validForMs = result.kind === 'ok' ? result.identity.validTo.getTime() - Date.now() : Number.NaN;
    expect(validForMs).toBeGreaterThan(24 * 3_600_000);
    expect(validForMs).toBeLessThan(49 * 3_600_000);
  });
});
