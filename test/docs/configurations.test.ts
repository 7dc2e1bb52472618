/** Every configuration that a document shows is one that `check` finds in order; every log line is one by its schema. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logLineSchema } from '@sallyport/telemetry';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { makeCertificates } from '../e2e/harness/certificates.ts';
import { sallyport } from '../e2e/harness/sallyport.ts';
import { type Block, blocksOf, documents } from './documents.ts';

/** By how they begin: what is written for other programs. */
const FOREIGN = ['rules:\n  - seriesQuery:'];

const blocks = documents.flatMap((document) => blocksOf(document));
const configurations = blocks.filter(
  ({ language, text }) => language === 'yaml' && !FOREIGN.some((beginning) => text.startsWith(beginning)),
);

const folder = mkdtempSync(join(tmpdir(), 'sallyport-docs-'));
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(() => {
  const { cert, key } = makeCertificates(['proxy']);
  const files = {
    'proxy.crt': cert,
    'proxy.key': key,
    'corp-ca.pem': cert,
    'collector-ca.crt': cert,
    'users.htpasswd': `ci:${hashSync('secret', 4)}\n`,
    'allowed.txt': 'registry.example.net\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
});

/** What a block leaves out is as in the first whole configuration of its document, or a plain door where that has none. */
function completed(block: Block): string {
  const document = block.place.split(':')[0] ?? '';
  const whole = configurations.find(({ place, text }) => place.startsWith(`${document}:`) && /^listeners:/m.test(text));
  const base: unknown = parse(whole?.text ?? 'listeners: [{ name: explicit, mode: connect, bind: "127.0.0.1:3128" }]');
  const own: unknown = parse(block.text);
  return stringify(Object.assign({}, base, own));
}

const environment = { CORP_PASSWORD: 'secret', TOKEN: 'secret', REDIS_PASSWORD: 'secret' };

describe('the configurations of the documents', () => {
  it.each(configurations)('$place is in order', { timeout: 60_000 }, async (block) => {
    const file = join(folder, `${block.place.replaceAll(/[/:]/g, '-')}.yaml`);
    writeFileSync(file, completed(block));
    const { code, stdout, stderr } = await sallyport(['check', '--config', file], environment);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(': ok\n');
  });
});

describe('the log lines of the documents', () => {
  const isLogLine = new Ajv2020().compile(logLineSchema());

  it.each(blocks.filter(({ language }) => language === 'json'))('$place is one by the schema', ({ text }) => {
    isLogLine(JSON.parse(text));
    expect(isLogLine.errors ?? []).toEqual([]);
  });
});
