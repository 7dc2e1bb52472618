import { describe, expect, it } from 'vitest';
import { explainTlsError } from '../src/portable/tls-failures.ts';

/** As Node hands on what OpenSSL says. */
const ofOpenssl = (reason: string): Error => Object.assign(new Error('it failed'), { reason });

describe('explainTlsError', () => {
  it.each([
    'tlsv1 alert unknown ca',
    'sslv3 alert bad certificate',
    'sslv3 alert certificate unknown',
    'sslv3 alert certificate expired',
    'sslv3 alert certificate revoked',
    'sslv3 alert unsupported certificate',
    'ssl/tls alert bad certificate',
  ])('takes %j for a client that does not accept our certificate', (reason) => {
    const alert = reason.split(' alert ')[1] ?? '';
    const why = `the client does not accept the certificate of this door (alert ${alert})`;
    expect(explainTlsError(ofOpenssl(reason))).toEqual({ why, fault: 'own-certificate' });
  });

  it.each([
    ['tlsv1 alert protocol version', 'alert', 'the client ended it with the alert protocol version'],
    ['peer did not return a certificate', 'client-certificate', 'the client showed no certificate'],
    ['no shared cipher', 'form', 'TLS says no shared cipher'],
    ['wrong version number', 'form', 'TLS says wrong version number'],
  ])('says whose doing %j is: %s', (reason, fault, why) => {
    expect(explainTlsError(ofOpenssl(reason))).toEqual({ why, fault });
  });

  it('has nothing to say of a connection that broke', () => {
    expect(explainTlsError(new Error('read ECONNRESET'))).toBeUndefined();
  });
});
