/** Every key of the configuration, at each door: it has an effect that is shown here or by a named test, or it is an error. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkCommand } from '../../src/commands/check.ts';
import { explainCommand } from '../../src/commands/explain.ts';
import { schemaCommand } from '../../src/commands/schema.ts';
import { checked, decided, type FileParts, fileText } from './decided.ts';
import { aboutTunnelsAlone, sharedWithTunnels, shownInPlain } from './plain.ts';
import { refused } from './refused.ts';
import { runCommand } from './run-command.ts';
import { keysOf } from './schema-keys.ts';
import { shown } from './shown.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-keys-'));
writeFileSync(join(folder, 'hosts.txt'), 'b.test\n');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = join(folder, 'sallyport.yaml');
const DOORS = ['explicit', 'transparent'];

const schema = keysOf((await runCommand(schemaCommand)).printed);

async function explain(parts: FileParts, listener: string, to = 'a.test:443'): Promise<string> {
  writeFileSync(config, fileText(parts));
  const { code, printed } = await runCommand(explainCommand, { config, listener, to, client: '10.0.0.9' });
  expect(code, printed).not.toBe(2);
  return `${code}\n${printed}`;
}

async function check(text: string): Promise<{ code: number; printed: string }> {
  writeFileSync(config, text);
  return runCommand(checkCommand, { config });
}

describe('the keys of the schema', () => {
  it('are those in these tables, and no other', () => {
    const inTables = new Set([
      ...Object.keys(decided),
      ...Object.keys(checked),
      ...Object.keys(shown),
      ...refused.keys(),
    ]);
    expect([...inTables].toSorted()).toEqual([...schema].toSorted());
  });

  it('of a listener are known to matter to its plain HTTP or not', () => {
    const ofListeners = [...schema].flatMap((key) => /^listeners\[\w+\]\.(.*)/.exec(key)?.[1] ?? []);
    const inTables = [...Object.keys(shownInPlain), ...sharedWithTunnels, ...aboutTunnelsAlone];
    expect(inTables.toSorted()).toEqual([...new Set(ofListeners)].toSorted());
  });

  it('of one kind of listener or egress are errors of the others', async () => {
    for (const [section, kinds] of Object.entries(KINDS)) {
      const of = (kind: string): string[] =>
        [...schema].filter((key) => key.startsWith(`${section}[${kind}].`)).map((key) => key.split('.')[1] ?? '');
      const all = new Set(Object.keys(kinds).flatMap(of));
      for (const [kind, textOf] of Object.entries(kinds)) {
        for (const key of [...all].filter((one) => !of(kind).includes(one))) {
          const { code, printed } = await check(textOf(`, ${key}: x`));
          expect({ code, key, kind }).toEqual({ code: 2, key, kind });
          expect(printed).toContain(`.${key}: unknown key "${key}"`);
        }
      }
    }
  });
});

const DOOR = '{ name: door, mode: connect, bind: "127.0.0.1:0" }';

/** A file with one of each kind, and room for one more key of it. */
const KINDS: Readonly<Record<string, Readonly<Record<string, (more: string) => string>>>> = {
  listeners: {
    connect: (more) => `listeners: [{ name: door, mode: connect, bind: "127.0.0.1:0"${more} }]\n`,
    sni: (more) => `listeners: [{ name: door, mode: sni, bind: "127.0.0.1:0"${more} }]\n`,
  },
  egress: {
    direct: (more) => `listeners: [${DOOR}]\negress: [{ name: out, type: direct${more} }]\n`,
    http: (more) => `listeners: [${DOOR}]\negress: [{ name: out, type: http, address: "p:1"${more} }]\n`,
    socks5: (more) => `listeners: [${DOOR}]\negress: [{ name: out, type: socks5, address: "p:1"${more} }]\n`,
  },
};

describe.each(DOORS)('at the %s door', (door) => {
  it.each(Object.entries(decided))('explain answers otherwise by %s', async (key, { without, with: given, to }) => {
    // A rule for the other door is the same as none at this one.
    const isOtherDoors = key === 'policy.rules.listeners' && door === 'explicit';
    const after = isOtherDoors ? { rule: 'listeners: [transparent]' } : given;
    expect(await explain(after, door, to)).not.toBe(await explain(without, door, to));
  });
});

describe('check', () => {
  it.each(Object.entries(checked))('ends otherwise by %s', async (_key, { without, with: given }) => {
    expect(await check(fileText(without))).toMatchObject({ code: 0 });
    expect(await check(fileText(given))).toMatchObject({ code: 2 });
  });

  it.each([...refused])('refuses %s where it would have no effect, with a remedy', async (_key, cases) => {
    for (const { text, says } of cases) {
      const { code, printed } = await check(text);
      expect(printed).toMatch(says);
      expect(code).toBe(2);
    }
  });
});

describe('another test', () => {
  const root = new URL('../../../../', import.meta.url);
  const inPlain = Object.entries(shownInPlain).map(([key, proof]) => [`${key} on plain HTTP`, key, proof] as const);
  const inAll = Object.entries(shown).map(([key, proof]) => [key, key, proof] as const);

  it.each([...inAll, ...inPlain])('shows the effect of %s', (_what, key, [file, title, spelled]) => {
    const text = readFileSync(new URL(file, root), 'utf8');
    const titles = [...text.matchAll(/['"`]([^'"`\n]+)['"`],\s*(?:async\s*)?(?:\(|\w+\s*=>)/g)].map(
      (match) => match[1] ?? '',
    );
    expect(
      titles.some((one) => one.startsWith(title)),
      title,
    ).toBe(true);
    expect(text).toMatch(new RegExp(spelled ?? `\\b${key.split('.').at(-1) ?? key}\\b`));
  });
});
