/** Debian's Firefox ESR, driven by its own WebDriver BiDi (Playwright drives builds of its own making only). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { openBidi } from './bidi.ts';
import type { Browser, BrowserProgram, Way } from './browser.ts';

export const firefox: BrowserProgram = { name: 'Firefox ESR', program: 'firefox-esr', launch };

async function launch(way: Way): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'firefox-'));
  const downloads = join(profile, 'downloads');
  mkdirSync(downloads);
  writeFileSync(join(profile, 'user.js'), preferences(way, downloads));
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0', 'about:blank'];
  const child = spawn(firefox.program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: profile },
  });
  const ended = once(child, 'close');
  const bidi = await openBidi(`${await listensAt(child)}/session`);
  await bidi.ask('session.new', { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } });
  if (way.proxy) await answerPasswordPrompts(bidi, way.proxy);
  const { context } = await bidi.ask('browsingContext.create', { type: 'tab' });
  return {
    evaluate: async (url, expression) => {
      await bidi.ask('browsingContext.navigate', { context, url, wait: 'complete' });
      const { result } = await bidi.ask('script.evaluate', { expression, target: { context }, awaitPromise: true });
      return (result as { value?: unknown }).value;
    },
    download: async (url) => {
      await bidi.ask('browsingContext.navigate', { context, url, wait: 'none' });
      return readFileSync(join(downloads, await finished(downloads)));
    },
    close: async () => {
      await bidi.ask('browser.close', {});
      bidi.close();
      await ended;
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

function preferences({ proxy, localName }: Way, downloads: string): string {
  const values: Record<string, string | number | boolean> = {
    'browser.download.dir': downloads,
    'browser.download.folderList': 2,
    'browser.helperApps.neverAsk.saveToDisk': 'application/octet-stream',
    // It asks its maker's servers for news at every start.
    'app.normandy.enabled': false,
    'services.settings.server': 'data:,',
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'network.proxy.type': proxy ? 1 : 0,
    ...(proxy
      ? { 'network.proxy.ssl': '127.0.0.1', 'network.proxy.ssl_port': proxy.port }
      : { 'network.dns.localDomains': localName, 'network.dns.disableIPv6': true }),
  };
  const lines = Object.entries(values).map(
    ([key, value]) => `user_pref(${JSON.stringify(key)}, ${JSON.stringify(value)});`,
  );
  return `${lines.join('\n')}\n`;
}

async function listensAt(child: ChildProcess): Promise<string> {
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  return vi.waitUntil(
    () => {
      if (child.exitCode !== null) throw new Error(`Firefox ended at its start: ${told}`);
      return /WebDriver BiDi listening on (ws:\S+)/.exec(told)?.[1];
    },
    { timeout: 30_000, interval: 50 },
  );
}

type Bidi = Awaited<ReturnType<typeof openBidi>>;

/** What a person would type into the window that asks for the proxy's password. */
async function answerPasswordPrompts(bidi: Bidi, { username, password }: NonNullable<Way['proxy']>): Promise<void> {
  bidi.on('network.authRequired', ({ request }) => {
    const credentials = { type: 'password', username, password };
    const { request: id } = request as { request: string };
    void bidi.ask('network.continueWithAuth', { request: id, action: 'provideCredentials', credentials });
  });
  await bidi.ask('session.subscribe', { events: ['network.authRequired'] });
  await bidi.ask('network.addIntercept', { phases: ['authRequired'] });
}

/** The name of the one file in a folder of downloads, once it is whole. */
function finished(folder: string): Promise<string> {
  return vi.waitUntil(
    () => {
      const names = readdirSync(folder);
      return names.some((name) => name.endsWith('.part')) ? undefined : names[0];
    },
    { timeout: 15_000, interval: 50 },
  );
}
