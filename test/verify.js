/**
 * `npm run verify`: format and types, then lint, unused code and all tests. What needs nothing of one another runs at once, since each
 * check keeps one core busy and most tests wait half of the time. The tests are shown as they run, a check when it has failed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

for (const stage of [
  ['format:check', 'build:all'],
  ['lint', 'knip', 'unit'],
]) {
  const failed = (await Promise.all(stage.map(failureOf))).filter((name) => name !== undefined);
  if (failed.length === 0) continue;
  console.error(`npm test: failed: ${failed.join(', ')}`);
  process.exitCode = 1;
  break;
}

/** Runs a script of package.json to its end. Returns its name where it has failed. */
async function failureOf(name) {
  const isShown = name === 'unit';
  const child = spawn('npm', ['run', '--silent', name], { stdio: isShown ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  if (code === 0) return undefined;
  if (!isShown) console.error(`npm run ${name}:\n${output}`);
  return name;
}
