import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatProblem, loadConfig } from '../src/index.ts';
import { finish } from '../src/steps.ts';

const directory = fileURLToPath(new URL('../../../configs/', import.meta.url));
const files = ['.', 'balancers', 'compose', 'egress', 'examples', 'intercept', 'migration', 'systemd'].flatMap(
  (below) =>
    readdirSync(`${directory}${below}`)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => `${below}/${name}`),
);

describe('the configurations that come with the program', () => {
  it('are all here', () => {
    expect(files).toHaveLength(26);
  });

  it.each(files)('%s loads without a problem, whatever the environment', (name) => {
    const loaded = finish(loadConfig(directory + name, {}));
    const problems = loaded.kind === 'ok' ? loaded.warnings : loaded.problems;
    expect(problems.map((problem) => formatProblem(name, problem))).toEqual([]);
  });

  it.each(files)('%s begins with its schema and with what it is for', (name) => {
    const [schema, ...purpose] = readFileSync(directory + name, 'utf8')
      .split('\n')
      .slice(0, 3);
    const path = name.startsWith('./') ? 'sallyport.schema.json' : '../sallyport.schema.json';
    expect(schema).toBe(`# yaml-language-server: $schema=${path}`);
    expect(purpose).toEqual([expect.stringMatching(/^# \w/), expect.stringMatching(/^# \w/)]);
  });

  it('spell the safe default policy in default.yaml as the program has it', () => {
    const written = readFileSync(`${directory}default.yaml`, 'utf8');
    expect(written).toContain('#       clients: [loopback, private]\n#       ports: [443]');
  });
});
