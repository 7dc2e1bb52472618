/** What arguments, file names and values hold never begins a line of its own, nor reaches a terminal as a control character. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sallyport } from '../e2e/harness/sallyport.ts';

/** A new line, an escape sequence, a C1 control, a line separator, and the end of left-to-right text. */
const HOSTILE = 'a\nb\u001b[2Jc\u009bd\u2028e\u202ef';
const SHOWN = String.raw`a\nb\u001b[2Jc\u009bd\u2028e\u202ef`;

const folder = mkdtempSync(join(tmpdir(), 'sallyport-controls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CONFIG = `listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0" }]
admin: { bind: ${JSON.stringify(`unix:${folder}/${HOSTILE}`)} }
tests: [{ client: 10.0.0.7, user: ${JSON.stringify(HOSTILE)}, to: "127.0.0.1:443", expect: deny }]
`;
const config = join(folder, `config-${HOSTILE}.yaml`);
writeFileSync(config, CONFIG);
const wide = join(folder, 'wide.yaml');
writeFileSync(
  wide,
  `${CONFIG.replace('expect: deny', 'expect: allow')}policy: { default: allow, destinations: { deny: [] } }\n`,
);
const log = join(folder, 'empty.log');
writeFileSync(log, '');
const foreign = join(folder, `foreign-${HOSTILE}.log`);
writeFileSync(foreign, 'no JSON\n');

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/;

const explain = ['explain', '--config', wide, '--client', '10.0.0.7', '--to', '127.0.0.1:443'];

describe('a message about an argument is one line', () => {
  it.each([
    { args: [HOSTILE] },
    { args: ['help', HOSTILE] },
    { args: [`--${HOSTILE}`] },
    { args: ['schema', HOSTILE] },
    { args: ['schema', `--${HOSTILE}`] },
    { args: ['run', '--config', HOSTILE] },
    { args: ['check', '--config', HOSTILE] },
    { args: ['explain', ...explain.slice(3), '--config', HOSTILE] },
    { args: [...explain, '--listener', HOSTILE] },
    { args: ['explain', '--config', wide, '--client', HOSTILE, '--to', 'a.test:443'] },
    { args: ['explain', '--config', wide, '--client', '10.0.0.7', '--to', HOSTILE] },
    { args: ['learn', '--log', HOSTILE], code: 1 },
    { args: ['learn', '--log', foreign], code: 1 },
    { args: ['learn', '--log', log, '--by', HOSTILE] },
    { args: ['learn', '--log', log, '--fold', HOSTILE] },
    { args: ['summary', '--log', HOSTILE], code: 1 },
    { args: ['summary', '--log', log, '--format', HOSTILE] },
    { args: ['summary', '--log', log, '--since', HOSTILE] },
    { args: ['top', '--admin', HOSTILE] },
    { args: ['top', '--admin', `unix:/nowhere/${HOSTILE}`], code: 1 },
    { args: ['groups', HOSTILE] },
    { args: ['init', '--for', HOSTILE] },
  ])('$args.0 $args.1 $args.2 …', async ({ args, code = 2 }) => {
    const told = await sallyport(args);
    expect(told).toMatchObject({ code, stdout: '' });
    expect(told.stderr).toContain(SHOWN);
    expect(told.stderr).not.toMatch(CONTROLS);
    expect(told.stderr.match(/\n/g)).toHaveLength(1);
  });
});

describe('what is printed', () => {
  it('by check, of file names, paths and users', async () => {
    const { stdout, stderr, code } = await sallyport(['check', '--config', config, '--against', wide]);
    expect(code).toBe(0);
    expect(stdout).toContain(`config-${SHOWN}.yaml: ok\n  admin on unix:${folder}/${SHOWN}\n`);
    expect(stdout).toContain(`127.0.0.1:443 for 10.0.0.7, user ${SHOWN}, at a: `);
    expect(`${stdout}${stderr}`).not.toMatch(CONTROLS);
    const against = await sallyport(['check', '--config', wide, '--against', config]);
    expect(against.stdout).toContain(`against ${folder}/config-${SHOWN}.yaml:\n`);
    expect(`${against.stdout}${against.stderr}`).not.toMatch(CONTROLS);
  });

  it('by explain, of a user', async () => {
    const { stdout } = await sallyport([...explain, '--user', HOSTILE]);
    expect(stdout).toContain(`10.0.0.7, user ${SHOWN} (no client has a user`);
    expect(stdout).not.toMatch(CONTROLS);
  });

  it('by learn and summary, of a file that is no log beside one that is', async () => {
    const line = { rule: 'r', decision: 'allow', client: '10.0.0.7', host: 'a.test', port: 443, msg: 'tunnel' };
    const read = join(folder, 'access.log');
    writeFileSync(read, `${JSON.stringify(line)}\n`);
    for (const command of ['learn', 'summary']) {
      const { stderr, code } = await sallyport([command, '--log', read, foreign]);
      expect(code).toBe(0);
      expect(stderr).toContain(`warning: ${folder}/foreign-${SHOWN}.log holds no line`);
      expect(stderr).not.toMatch(CONTROLS);
      expect(stderr.match(/\n/g)).toHaveLength(1);
    }
  });
});
