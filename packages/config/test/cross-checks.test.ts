import { describe, expect, it } from 'vitest';
import { checkAcross } from '../src/cross-checks.ts';
import { formatPath } from '../src/problems.ts';

const told = (file: unknown) =>
  checkAcross(file).map(({ severity, path, message }) => `${severity} ${formatPath(path)}: ${message}`);

describe('checkAcross', () => {
  it('tells a name used twice at its second use', () => {
    expect(told({ listeners: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] })).toEqual([
      'error listeners[2].name: a listener named "a" is there already; names are unique',
    ]);
  });

  it('tells an address listened on twice, however it is spelled', () => {
    const listeners = [{ bind: '127.0.0.1:1' }, { bind: ['[::1]:1', 'localhost:1'] }, { bind: '[0:0::1]:1' }];
    expect(told({ listeners })).toEqual([
      'error listeners[1].bind[1]: 127.0.0.1 port 1 is taken by another listener or admin.bind; choose another port',
      'error listeners[2].bind: ::1 port 1 is taken by another listener or admin.bind; choose another port',
    ]);
  });

  it.each([
    { one: '0.0.0.0:1', other: '127.0.0.1:1', taken: '127.0.0.1 is taken by 0.0.0.0' },
    { one: '127.0.0.1:1', other: '0.0.0.0:1', taken: '127.0.0.1 is taken by 0.0.0.0' },
    { one: '[::]:1', other: '[::1]:1', taken: '::1 is taken by ::' },
    { one: '[::]:1', other: '0.0.0.0:1', dual_stack: true, taken: '0.0.0.0 is taken by ::' },
    { one: '127.0.0.1:1', other: '[::]:1', dual_stack: true, taken: '127.0.0.1 is taken by ::' },
  ])('tells that $other cannot be had beside $one (dual_stack: $dual_stack)', ({ one, other, dual_stack, taken }) => {
    expect(told({ listeners: [{ bind: [one, other], dual_stack }] })).toEqual([
      `error listeners[0].bind[1]: port 1 of ${taken}, which is every address; choose another port, or remove one of the two`,
    ]);
  });

  it.each([
    ['[::]:1', '0.0.0.0:1'],
    ['[::]:1', '127.0.0.1:1'],
    ['0.0.0.0:1', '127.0.0.1:2'],
    ['127.0.0.1:1', '127.0.0.2:1'],
    ['systemd:a', 'systemd:b'],
  ])('lets %s be had beside %s', (one, other) => {
    expect(told({ listeners: [{ bind: [one, other] }] })).toEqual([]);
  });

  it('holds the admin server to that, too: it listens for one family alone', () => {
    const told9128 = (bind: string, admin?: string) => told({ listeners: [{ bind }], admin: { bind: admin } });
    expect(told9128('0.0.0.0:9128')).toEqual([expect.stringMatching(/^error listeners\[0\]\.bind: port 9128 of 127/)]);
    expect(told9128('127.0.0.1:9', '0.0.0.0:9')).toEqual([expect.stringMatching(/^error admin\.bind: port 9 of 127/)]);
    expect(told9128('127.0.0.1:9', '[::]:9')).toEqual([]);
  });

  it('tells sockets of systemd that two binds are to have', () => {
    expect(told({ listeners: [{ bind: 'systemd:a' }, { bind: ['systemd:b', 'systemd:a'] }] })).toEqual([
      'error listeners[1].bind[1]: the sockets of systemd:a are in use already; give each bind a name of its own',
    ]);
  });

  it('holds the admin server to its one address, too', () => {
    const listeners = [{ bind: '127.0.0.1:2' }];
    expect(told({ listeners, admin: { bind: '127.0.0.1:2' } })).toEqual([
      expect.stringMatching(/^error admin\.bind: /),
    ]);
  });

  it('tells the listener when the place of the admin server is only its default', () => {
    expect(told({ listeners: [{ bind: '127.0.0.1:9128' }] })).toEqual([
      expect.stringMatching(/^error listeners\[0\]\.bind: /),
    ]);
  });

  it('lets port 0 be listened on any number of times', () => {
    expect(told({ listeners: [{ bind: '127.0.0.1:0' }, { bind: '127.0.0.1:0' }] })).toEqual([]);
  });

  it('tells a rule about a listener that is not there', () => {
    const rules = [{ listeners: ['explicit', 'explict', 'other'] }];
    expect(told({ listeners: [{ name: 'explicit' }], policy: { rules } })).toEqual([
      'error policy.rules[0].listeners[1]: no listener is named "explict"; did you mean "explicit"?',
      'error policy.rules[0].listeners[2]: no listener is named "other"; there are explicit',
    ]);
  });

  it('refuses to serve clients that auth would ask, and those alone', () => {
    const auth = { users_file: 'users' };
    const listeners = [{ misdirected: 'serve', auth }, { misdirected: 'explain', auth }, { misdirected: 'serve' }];
    expect(told({ listeners })).toEqual([
      'error listeners[0].misdirected: serve would let clients avoid auth, for a ClientHello has no credentials; write explain',
    ]);
  });

  it.each([
    {
      what: 'ech: deny',
      door: { ech: 'deny' },
      why: 'ech: deny, for a CONNECT is served before its ClientHello is seen',
    },
    {
      what: 'verify_sni: enforce',
      door: { verify_sni: 'enforce', intercept: 'tproxy' },
      why: 'verify_sni: enforce, for a CONNECT has no address that its name could be held against',
    },
    {
      what: 'auth at another door',
      door: {},
      other: { mode: 'connect', auth: { users_file: 'users' } },
      why: 'the auth of another listener, for no CONNECT is asked for credentials here',
    },
    {
      what: 'client_ca at another door',
      door: {},
      other: { mode: 'connect', tls: { cert: 'a', key: 'b', client_ca: 'c' } },
      why: 'the client_ca of another listener, for no CONNECT is asked for a certificate here',
    },
  ])('refuses to serve a CONNECT at a transparent door beside $what', ({ door, other, why }) => {
    const serving = { mode: 'sni', misdirected: 'serve', ...door };
    expect(told({ listeners: [{ mode: 'sni', misdirected: 'serve' }, { tls: { cert: 'a', key: 'b' } }] })).toEqual([]);
    expect(told({ listeners: [serving, ...(other ? [other] : [])] })).toEqual([
      `error listeners[0].misdirected: serve would let clients avoid ${why}; write explain`,
    ]);
    expect(told({ listeners: [{ ...serving, misdirected: 'explain' }, ...(other ? [other] : [])] })).toEqual([]);
  });

  it('refuses ech: deny where no hello is read, and asks for it where names are enforced', () => {
    const door = { mode: 'connect' };
    const listeners = [
      { ...door, ech: 'deny' },
      { ...door, ech: 'deny', verify_sni: 'off', misdirected: 'serve' },
      { ...door, ech: 'deny', verify_sni: 'report' },
      { ...door, ech: 'deny', verify_sni: 'enforce' },
      { ...door, ech: 'allow', verify_sni: 'enforce' },
      { ...door, verify_sni: 'enforce' },
      { ...door, ech: 'allow' },
      { mode: 'sni', ech: 'deny' },
    ];
    const unread = 'ech: deny needs verify_sni: report or enforce; without, the ClientHello in a tunnel is not read';
    const outer = 'enforce sees only the outer name of an encrypted ClientHello; add ech: deny to refuse those';
    expect(told({ listeners })).toEqual([
      `error listeners[0].ech: ${unread}`,
      `error listeners[1].ech: ${unread}`,
      `warning listeners[4].verify_sni: ${outer}`,
      `warning listeners[5].verify_sni: ${outer}`,
    ]);
  });

  it('refuses a port at an explicit door where no ClientHello is served', () => {
    const door = { mode: 'connect', port: 8443 };
    const listeners = [
      door,
      { ...door, port: '8443', misdirected: 'explain' },
      { ...door, misdirected: 'serve' },
      { ...door, port: 443 },
      { ...door, port: 'none' },
      { mode: 'sni', port: 8443 },
    ];
    const unused = 'port is for a ClientHello that is served at this door, so it needs misdirected: serve; remove it';
    expect(told({ listeners })).toEqual([`error listeners[0].port: ${unused}`, `error listeners[1].port: ${unused}`]);
  });

  it('warns of tunnels whose lines never say that they end', () => {
    const endless = 'warning log.progress: no line says that a tunnel ended while access is false; set access: true';
    for (const access of [false, 'false']) expect(told({ log: { access, progress: '1m' } })).toEqual([endless]);
    for (const log of [{ progress: '1m' }, { access: false }, { access: false, progress: 'off' }, null]) {
      expect(told({ log })).toEqual([]);
    }
  });

  it('warns of threads that an engine does not have', () => {
    const unused =
      'warning runtime.threads: threads has no effect, for the portable engine has no data threads; remove it';
    expect(told({ runtime: { engine: 'portable', threads: 2 } })).toEqual([unused]);
    for (const runtime of [{ engine: 'portable', threads: 'auto' }, { engine: 'native', threads: 2 }, { threads: 2 }]) {
      expect(told({ runtime })).toEqual([]);
    }
  });

  it('warns of tunnels that strangers may end', () => {
    for (const [bind, control] of [
      ['0.0.0.0:9', true],
      ['[::]:9', 'true'],
      ['10.0.0.1:9', true],
    ]) {
      expect(told({ admin: { bind, control } })).toEqual([
        `warning admin.control: whoever reaches ${String(bind)} may end tunnels; bind it to loopback or to a unix socket`,
      ]);
    }
    for (const bind of ['127.0.0.1:9', '[::1]:9', 'unix:/run/admin.sock', undefined, 'nonsense']) {
      expect(told({ admin: { bind, control: true } })).toEqual([]);
    }
    expect(told({ admin: { bind: '0.0.0.0:9', control: false } })).toEqual([]);
  });

  it('warns of bits beyond a prefix, which mean nothing', () => {
    const policy = {
      rules: [{ clients: ['10.0.0.0/8', '10.0.0.1/8'], networks: ['2001:db8::1/32'] }],
      destinations: { deny: ['special'], allow: ['10.20.1.0/16'] },
    };
    expect(told({ policy, listeners: [{ proxy_protocol: ['10.0.0.1/8'] }] })).toEqual([
      'warning listeners[0].proxy_protocol[0]: 10.0.0.1/8 has bits beyond its prefix; it is read as 10.0.0.0/8',
      'warning policy.rules[0].clients[1]: 10.0.0.1/8 has bits beyond its prefix; it is read as 10.0.0.0/8',
      'warning policy.rules[0].networks[0]: 2001:db8::1/32 has bits beyond its prefix; it is read as 2001:db8::/32',
      'warning policy.destinations.allow[0]: 10.20.1.0/16 has bits beyond its prefix; it is read as 10.20.0.0/16',
    ]);
  });

  it('checks what can be checked whatever else is wrong', () => {
    const listeners = [5, { name: 'a', bind: null }, { name: ['b'] }, { name: 'a', bind: [1, 'x'] }];
    const policy = { rules: ['x', { listeners: [3, 'c'], clients: 'all' }], destinations: [] };
    expect(told({ listeners, policy, admin: 'none' })).toHaveLength(2);
  });

  it.each([[undefined], [null], ['text'], [[]], [{ listeners: {}, policy: [] }]])(
    'finds nothing to check in %j',
    (file) => {
      expect(told(file)).toEqual([]);
    },
  );
});
