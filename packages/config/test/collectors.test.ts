import { describe, expect, it } from 'vitest';
import { readCollector, readEndpoint } from '../src/collectors.ts';
import { parseConfig } from '../src/load.ts';

/** What is told of a file with this `log` section. */
function toldOf(log: string): string {
  const text = `listeners: [{ name: a, mode: connect, bind: "127.0.0.1:1" }]\nlog: { ${log} }`;
  const result = parseConfig(text, {});
  const problems = result.kind === 'ok' ? result.warnings : result.problems;
  return problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
}

describe('log.syslog.address', () => {
  it.each([
    { text: 'tls://collector:6514', value: { isTls: true, host: 'collector', port: 6514 } },
    { text: 'tcp://10.0.0.7:601', value: { isTls: false, host: '10.0.0.7', port: 601 } },
    { text: 'tls://[2001:DB8::1]:6514', value: { isTls: true, host: '2001:db8::1', port: 6514 } },
  ])('reads $text', ({ text, value }) => {
    expect(readCollector(text)).toEqual({ kind: 'ok', value });
  });

  it.each([
    'collector:6514',
    'tls://collector',
    'udp://collector:514',
    'tls://collector:0',
    'tls://a b:1',
    'tls://u@c:1',
    '',
  ])('refuses %s', (text) => expect(readCollector(text)).toMatchObject({ kind: 'malformed' }));
});

describe('log.otlp.endpoint', () => {
  it.each([
    { text: 'http://collector:4318', value: 'http://collector:4318/' },
    { text: 'https://otlp.example/otlp', value: 'https://otlp.example/otlp' },
  ])('reads $text', ({ text, value }) => {
    expect(readEndpoint(text)).toEqual({ kind: 'ok', value });
  });

  it.each([
    'collector:4318',
    'grpc://collector:4317',
    'http://',
    'http://user:hunter2@collector',
    'http://c/?token=hunter2',
  ])('refuses %s, and shows nothing of it', (text) => {
    const read = readEndpoint(text);
    expect(read).toMatchObject({ kind: 'malformed' });
    expect(JSON.stringify(read)).not.toContain('hunter2');
  });
});

describe('collectors in a file', () => {
  it.each([
    {
      log: 'syslog: { address: "tcp://c:601", ca: ca.crt }',
      problem: /log\.syslog\.ca: there is no certificate without TLS/,
    },
    {
      log: 'otlp: { endpoint: "http://c", ca: ca.crt }',
      problem: /log\.otlp\.ca: there is no certificate without TLS/,
    },
    { log: 'syslog: { adress: "tcp://c:601" }', problem: /unknown key "adress".*did you mean/ },
    { log: 'otlp: { endpoint: "http://c", headers: { Host: a } }', problem: /set by the exchange itself/ },
    { log: 'otlp: { endpoint: "http://c", headers: { Trailer: a } }', problem: /set by the exchange itself/ },
    { log: 'otlp: { endpoint: "http://c", headers: { "a b": a } }', problem: /expected the name of a header/ },
    { log: 'otlp: { endpoint: "http://c", headers: { a: "hunter2\\n" } }', problem: /printable ASCII/ },
    { log: 'otlp: { endpoint: "http://c", headers: { a: 12345678 } }', problem: /expected text/ },
    { log: 'syslog: "tls://c:1"', problem: /log\.syslog: expected a map of keys/ },
  ])('are held to their form: $log', ({ log, problem }) => {
    const told = toldOf(log);
    expect(told).toMatch(problem);
    expect(told).not.toMatch(/hunter2|12345678/);
  });

  it.each([
    '',
    'syslog: null, otlp: null',
    'otlp: { endpoint: "https://c", headers: { authorization: "Bearer x" }, ca: ca.crt }',
  ])('are optional: %s', (log) => expect(toldOf(log)).toBe(''));
});
