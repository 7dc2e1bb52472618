// Opens a URL in Debian's Firefox ESR by WebDriver BiDi (W3C), as far as a page comes of it, and prints what the page says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket } from 'undici';

const PATIENCE_MS = 10_000;
const [url] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), 'firefox-'));
writeFileSync(join(profile, 'user.js'), preferences());
const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0', 'about:blank'];
const firefox = spawn('firefox-esr', args, { stdio: ['ignore', 'ignore', 'pipe'] });
const ended = once(firefox, 'close');
const socket = new WebSocket(`${await address()}/session`);
const answers = new Map();
let lastId = 0;
socket.addEventListener('message', ({ data }) => {
  const answer = JSON.parse(String(data));
  answers.get(answer.id)?.(answer);
});
await once(socket, 'open');

await ask('session.new', { capabilities: {} });
const { context } = (await ask('browsingContext.create', { type: 'tab' })).result;
// A navigation that fails ends at a page of the browser's own, which no script may read: its address names the error.
// A window that asks for a password holds the navigation up.
const navigated = ask('browsingContext.navigate', { context, url, wait: 'complete' });
const { message } = await Promise.race([navigated, wait(PATIENCE_MS, {})]);
const expression = 'document.body.innerText';
const evaluated = ask('script.evaluate', { expression, target: { context }, awaitPromise: false });
const said = await Promise.race([evaluated, wait(PATIENCE_MS, {})]);
console.log(message ?? said.result?.result?.value ?? '');
firefox.kill();
await ended;
rmSync(profile, { recursive: true, force: true });
process.exit();

function preferences() {
  const { hostname, port } = new URL(process.env.https_proxy ?? 'http://none:1');
  const proxied = { 'network.proxy.type': 1, 'network.dns.disableIPv6': true };
  for (const scheme of ['http', 'ssl']) {
    proxied[`network.proxy.${scheme}`] = hostname;
    proxied[`network.proxy.${scheme}_port`] = Number(port);
  }
  const values = process.env.https_proxy === undefined ? { 'network.proxy.type': 0 } : proxied;
  const lines = Object.entries(values).map(([key, value]) => `user_pref("${key}", ${JSON.stringify(value)});`);
  return `${lines.join('\n')}\n`;
}

async function address() {
  for await (const line of createInterface({ input: firefox.stderr })) {
    const [, found] = /WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? [];
    if (found !== undefined) return found;
  }
  throw new Error('Firefox ended at its start');
}

function ask(method, params) {
  const id = (lastId += 1);
  const answer = new Promise((resolve) => answers.set(id, resolve));
  socket.send(JSON.stringify({ id, method, params }));
  return answer;
}
