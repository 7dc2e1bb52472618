import { describe, expect, it } from 'vitest';
import { createAsWritten } from '../src/as-written.ts';
import { parseConfig } from '../src/load.ts';

const SECRET = 'hunter2-Geheimnis';

/** Everything that is said of a file in which `${SECRET}` stands for a password. */
function toldOf(yaml: string): string {
  const result = parseConfig(yaml, { SECRET });
  const problems = result.kind === 'ok' ? result.warnings : result.problems;
  return problems.map(({ message }) => message).join('\n');
}

const listener = (rest: string): string => `listeners:\n  - { name: a, mode: connect, bind: "127.0.0.1:1", ${rest} }\n`;
const plain = listener('port: 443');

describe('a value from the environment that does not fit', () => {
  it.each([
    ['a bind', 'listeners:\n  - { name: a, mode: connect, bind: "${SECRET}" }'],
    ['a part of a bind', 'listeners:\n  - { name: a, mode: connect, bind: "${SECRET}:80" }'],
    ['a mode', 'listeners:\n  - { name: a, mode: "${SECRET}", bind: "127.0.0.1:1" }'],
    ['a word', listener('http: "${SECRET}"')],
    ['a number', listener('port: "${SECRET}"')],
    ['a name', 'listeners:\n  - { name: "${SECRET}", mode: connect, bind: "127.0.0.1:1" }'],
    ['a duration', `${plain}timeouts: { connect: "\${SECRET}" }`],
    ['a rate', `${plain}limits: { new_per_client: "\${SECRET}" }`],
    ['a size', `${plain}limits: { handshake_bytes: "\${SECRET}" }`],
    ['a flag', `${plain}log: { access: "\${SECRET}" }`],
    ['a section', `${plain}admin: "\${SECRET}"`],
    ['a list', `${plain}own_addresses: "\${SECRET}"`],
    ['an address', `${plain}own_addresses: ["\${SECRET}"]`],
    ['a server', `${plain}dns: { servers: ["\${SECRET}"] }`],
    ['a network', `${plain}policy: { rules: [{ action: allow, clients: ["\${SECRET}"] }] }`],
    ['a port', `${plain}policy: { rules: [{ action: allow, ports: ["\${SECRET}"] }] }`],
    ['the name of a listener', `${plain}policy: { rules: [{ action: allow, listeners: ["\${SECRET}"] }] }`],
    ['a label', `${plain}policy: { rules: [{ action: allow, name: "a\\n\${SECRET}" }] }`],
  ])('is shown as it is written: %s', (_, yaml) => {
    const told = toldOf(yaml);
    expect(told).not.toBe('');
    expect(told.toLowerCase()).not.toContain('hunter2');
    expect(told.toLowerCase()).not.toContain('geheimnis');
  });

  it.each([
    ['127.0.0.1:${PORT}', 'an empty variable at the end'],
    ['${PORT}localhost', 'an empty variable at the beginning'],
  ])('is shown once: %s, %s', (bind) => {
    const result = parseConfig(`listeners:\n  - { name: a, mode: connect, bind: "${bind}" }`, { PORT: '' });
    expect(result).toMatchObject({
      problems: [
        {
          message: `expected host:port such as "127.0.0.1:3128", got "${bind}"; what its variables stand for is not shown`,
        },
      ],
    });
  });

  it('is not suggested to somebody else either', () => {
    const told = toldOf(
      'listeners:\n  - { name: "${NAME:-secret-door}", mode: connect, bind: "127.0.0.1:1" }\n' +
        'policy: { rules: [{ action: allow, listeners: [secret-dor] }] }',
    );
    expect(told).toContain('did you mean "${NAME:-secret-door}"');
  });

  it('names the key, what it wants, and the variable', () => {
    expect(toldOf(listener('port: "${SECRET}"'))).toBe(
      'expected a port from 1 to 65535, got "${SECRET}"; what its variables stand for is not shown',
    );
  });
});

describe('a message in which nothing is expanded', () => {
  it.each([
    [
      'a key beside a variable is unknown',
      `${plain}log: { fil: 1, file: "\${SECRET}" }`,
      'unknown key "fil"; did you mean "file"?',
    ],
    ['a text has only an escape', `${plain}admin: "$\${x}"`, 'expected a map of keys, got "${x}"'],
    [
      'a text has an escape beside a variable',
      `${plain}admin: "$\${x}\${SECRET}"`,
      'expected a map of keys, got "$${x}${SECRET}"; what its variables stand for is not shown',
    ],
  ])('speaks of variables only where one is: %s', (_, yaml, message) => {
    expect(toldOf(yaml)).toBe(message);
  });
});

describe('createAsWritten', () => {
  const asWritten = createAsWritten([
    { written: '${HOST}', expanded: 'db.internal' },
    { written: '${NET}', expanded: '10.0.0.1/8' },
    { written: '${ID}', expanded: 'ab' },
    { written: '${CITY}', expanded: 'münchen.example' },
    { written: '${SHORT}', expanded: '172.9988' },
    { written: '${ROOTED}', expanded: 'vault.internal.' },
  ]);

  it.each([
    ['/etc/db.internal does not exist', '/etc/${HOST} does not exist'],
    ['cannot listen on DB.INTERNAL:443', 'cannot listen on ${HOST}:443'],
    ['the rule allows 10.0.0.0/8, and', 'the rule allows ${NET}, and'],
    ['not in ASCII; write xn--mnchen-3ya.example', 'not in ASCII; write ${CITY}'],
    ['written in full; write 172.0.39.4', 'written in full; write ${SHORT}'],
    ['No rule allows vault.internal:443.', 'No rule allows ${ROOTED}:443.'],
    ['db.internal.example and xdb.internal are others', 'db.internal.example and xdb.internal are others'],
    ['cab, ab', 'cab, ab'],
  ])('%s', (message, shown) => {
    expect(asWritten(message)).toBe(shown);
  });
});
