/** The schema that editors get, held against `check` by a validator that is not ours. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { sallyport } from '../e2e/harness/sallyport.ts';
import { configurationSchema } from './configuration-reference.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-schema-'));
afterAll(() => rmSync(folder, { recursive: true }));

const isConfiguration = new Ajv2020().compile(configurationSchema());

/** Whether the schema, and whether the program takes it. */
async function judge(text: string): Promise<{ schema: boolean; check: boolean }> {
  const file = join(folder, 'sallyport.yaml');
  writeFileSync(file, text);
  const { code } = await sallyport(['check', '--config', file]);
  return { schema: isConfiguration(parse(text)), check: code === 0 };
}

const DOOR = 'listeners: [{ name: explicit, mode: connect, bind: "127.0.0.1:0" }]\n';

describe('the schema of the configuration', () => {
  it.each([
    ['the mode of a listener', 'listeners: [{ name: a, mode: "${DOOR_MODE:-sni}", bind: "127.0.0.1:0", dial: sni }]\n'],
    [
      'the type of an egress',
      `${DOOR}egress: [{ name: c, type: "\${TYPE:-socks5}", address: "c:1" }]\ndefault_egress: c\n`,
    ],
    ['where limits are counted', `${DOOR}limits: { store: "\${STORE:-local}" }\n`],
    ['the number of threads', `${DOOR}runtime: { threads: "\${THREADS:-auto}" }\n`],
    ['who gets hints', `${DOOR}policy: { hints: "\${HINTS:-false}" }\n`],
  ])('lets %s come from the environment, as check does', { timeout: 60_000 }, async (_, text) => {
    expect(await judge(text)).toEqual({ schema: true, check: true });
  });

  it.each([
    ['another mode', 'listeners: [{ name: a, mode: socks, bind: "127.0.0.1:0" }]\n'],
    ['a key of the other mode', 'listeners: [{ name: a, mode: connect, bind: "127.0.0.1:0", dial: sni }]\n'],
    ['no mode', 'listeners: [{ name: a, bind: "127.0.0.1:0" }]\n'],
    ['another place for limits', `${DOOR}limits: { store: remote }\n`],
  ])('refuses %s, as check does', { timeout: 60_000 }, async (_, text) => {
    expect(await judge(text)).toEqual({ schema: false, check: false });
  });
});
