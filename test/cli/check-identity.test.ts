/** What `check` says of the files by which a door knows its clients, and of rules for users. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterAll, describe, expect, it } from 'vitest';
import { makeCertificateOf } from '../e2e/harness/certificates.ts';
import { sallyport } from '../e2e/harness/sallyport.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-identity-'));
execFileSync('mkfifo', [join(folder, 'fifo')]);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An explicit door with `keys`. */
function yaml(keys: string, rule = '{ name: everyone, action: allow }'): string {
  return `listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:0", ${keys} }
policy:
  rules: [${rule}]
  destinations: { allow: [loopback] }
`;
}

describe('check', () => {
  const check = async (text: string): Promise<{ code: number | null; stderr: string }> => {
    const file = join(folder, 'checked.yaml');
    writeFileSync(file, text);
    return sallyport(['check', '--config', file]);
  };

  it.each([
    {
      what: 'a users file that is not there',
      keys: 'auth: { users_file: absent }',
      problem: /auth\.users_file: .*absent does not exist/,
    },
    {
      what: 'a certificate that is not there',
      keys: 'tls: { cert: absent, key: k }',
      problem: /tls\.cert: .*absent does not exist/,
    },
    {
      what: 'an endless users file',
      keys: 'auth: { users_file: /dev/zero }',
      problem: /auth\.users_file: \/dev\/zero is no regular file; name one/,
    },
    {
      what: 'a certificate from a pipe, for which each reload would wait',
      keys: 'tls: { cert: fifo, key: fifo }',
      problem: /tls\.cert: .*fifo is no regular file; name one/,
    },
    {
      what: 'an authority from a pipe',
      keys: 'http: reject }\negress:\n  - { name: parent, type: http, address: "127.0.0.1:1", tls: true, ca: fifo',
      problem: /egress\[0\]\.ca: .*fifo is no regular file; name one/,
    },
    {
      what: 'serve beside auth',
      keys: 'auth: { users_file: users.htpasswd }, misdirected: serve',
      problem: /misdirected: serve would let clients avoid auth/,
    },
  ])('refuses $what with exit 2 and the remedy', async ({ keys, problem }) => {
    const { code, stderr } = await check(yaml(keys));
    expect(code).toBe(2);
    expect(stderr).toMatch(problem);
  });

  it('tells of all files of tls that cannot be used, though one of them is not there', async () => {
    writeFileSync(join(folder, 'none.pem'), 'none');
    const { stderr } = await check(yaml('tls: { cert: absent, key: none.pem, client_ca: none.pem }'));
    expect(stderr).toMatch(/tls\.cert: .*absent does not exist/);
    expect(stderr).toMatch(/tls\.key: none\.pem is no private key in PEM/);
    expect(stderr).toMatch(/tls\.client_ca: none\.pem is no certificate in PEM/);
  });

  it('warns of secrets that everyone may read, and of a log that others can lead elsewhere', async () => {
    const open = join(folder, 'open');
    mkdirSync(open, { recursive: true });
    chmodSync(open, 0o777);
    writeFileSync(join(folder, 'all.htpasswd'), `bob:${hashSync('open', 4)}\n`, { mode: 0o644 });
    symlinkSync(join(folder, 'elsewhere.log'), join(open, 'access.log'));
    const yamlText = `${yaml('auth: { users_file: all.htpasswd }')}log: { file: open/access.log }\n`;
    const { code, stderr } = await check(yamlText);
    expect(code).toBe(0);
    expect(stderr).toMatch(/auth\.users_file: warning: .*all\.htpasswd may be read by everyone .*chmod o= /);
    expect(stderr).toMatch(/log\.file: warning: .*access\.log is a symbolic link in a directory/);
    chmodSync(join(folder, 'all.htpasswd'), 0o600);
    chmodSync(open, 0o755);
    expect((await check(yamlText)).stderr).toBe('');
  });

  describe('of certificates that are not valid now', () => {
    const old = makeCertificateOf({ from: 2001, to: 2002 });
    const early = makeCertificateOf({ from: 2090, to: 2095 });
    const valid = makeCertificateOf({ from: 2001, to: 2095 });
    const expired = /expired at 2002-01-01T00:00:00\.000Z; renew it/;
    const tooEarly = /is not valid before 2090-01-01T00:00:00\.000Z; set this machine's clock, or renew it/;
    for (const [name, text] of Object.entries({
      'old.crt': old.cert,
      'old.key': old.key,
      'early.crt': early.cert,
      'early.key': early.key,
      'valid.crt': valid.cert,
      'valid.key': valid.key,
      'mixed.crt': old.cert + valid.cert + early.cert,
      'none.crt': old.cert + early.cert,
      'chain.crt': valid.cert + old.cert,
    }))
      writeFileSync(join(folder, name), text, { mode: 0o600 });
    const parent = (ca: string): string =>
      `http: reject }\negress:\n  - { name: parent, type: http, address: "127.0.0.1:1", tls: true, ca: ${ca}`;
    const collector = (ca: string): string =>
      `http: reject }\nlog: { syslog: { address: "tls://127.0.0.1:1", ca: ${ca} }`;

    it.each([
      { keys: 'tls: { cert: old.crt, key: old.key }', at: /tls\.cert: warning: old\.crt /, why: expired },
      { keys: 'tls: { cert: early.crt, key: early.key }', at: /tls\.cert: warning: early\.crt /, why: tooEarly },
      {
        keys: 'tls: { cert: valid.crt, key: valid.key, client_ca: old.crt }',
        at: /tls\.client_ca: warning: old\.crt /,
        why: expired,
      },
      {
        keys: 'tls: { cert: valid.crt, key: valid.key, client_ca: none.crt }',
        at: /tls\.client_ca: warning: none\.crt /,
        why: tooEarly,
      },
      { keys: parent('old.crt'), at: /egress\[0\]\.ca: warning: old\.crt /, why: expired },
      { keys: collector('old.crt'), at: /log\.syslog\.ca: warning: old\.crt /, why: expired },
    ])('warns at $keys', async ({ keys, at, why }) => {
      const { code, stderr } = await check(yaml(keys));
      expect(stderr).toMatch(new RegExp(at.source + why.source));
      expect(code).toBe(0);
    });

    it.each([
      'tls: { cert: valid.crt, key: valid.key, client_ca: mixed.crt }',
      'tls: { cert: chain.crt, key: valid.key }',
      parent('mixed.crt'),
    ])('says nothing of %s, where one that counts is valid', async (keys) => {
      expect(await check(yaml(keys))).toMatchObject({ code: 0, stderr: '' });
    });
  });

  it.each([
    { what: 'the configuration', name: './checked.yaml', keys: 'port: 443' },
    { what: 'the users', name: 'users.htpasswd', keys: 'auth: { users_file: users.htpasswd }' },
    { what: 'the users by a link', name: 'link', keys: 'auth: { users_file: users.htpasswd }' },
  ])('refuses $what as the file of the log', async ({ name, keys }) => {
    writeFileSync(join(folder, 'users.htpasswd'), `bob:${hashSync('open', 4)}\n`, { mode: 0o600 });
    rmSync(join(folder, 'link'), { force: true });
    symlinkSync('users.htpasswd', join(folder, 'link'));
    const { code, stderr } = await check(`${yaml(keys)}log: { file: ${name} }\n`);
    expect(stderr).toMatch(
      /log\.file: the log would be appended to \S+, which is read as configuration; name another file$/m,
    );
    expect(code).toBe(2);
  });

  it('warns of rules for users where no door asks', async () => {
    const { code, stderr } = await check(yaml('port: 443', '{ name: ci, action: allow, users: [ci] }'));
    expect(code).toBe(0);
    expect(stderr).toContain('rule ci can never match');
  });
});
