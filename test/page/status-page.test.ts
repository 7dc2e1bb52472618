/** The status page in a browser, on a proxy under load. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configText } from '../e2e/harness/config-text.ts';
import { ask, type Client, echoOrigin, openTunnel, type Origin } from '../e2e/harness/peers.ts';
import { type Running, startSallyport } from '../e2e/harness/sallyport.ts';
import { openPage, startBrowser, type WatchedPage, whyNoBrowser } from './browser.ts';

const obstacle = whyNoBrowser();
if (obstacle !== undefined) console.warn(`SKIPPED: the status page is shown to nobody, for ${obstacle}`);

const CONFIG = configText({
  policy: `policy:
  rules:
    - { name: uploads, action: deny, hosts: ["*.paste.test"] }
    - { name: trial, action: deny, hosts: ["trial.test"], report_only: true }
    - { name: builds, action: allow, hosts: ["origin.test", "trial.test", "other.test"] }
  destinations: { allow: [loopback] }`,
  hosts: { 'trial.test': ['127.0.0.1'], 'other.test': ['127.0.0.1'] },
  more: 'egress: [{ name: corp, type: http, address: "127.0.0.1:1" }]',
}).replace('"127.0.0.1:0" }', '"127.0.0.1:0", control: true }');

let proxy: Running;
let origin: Origin;
let browser: Browser;
let load: NodeJS.Timeout;
let watched: WatchedPage;
const clients: Client[] = [];

/** A tunnel to `host` that has relayed so many bytes each way. */
async function open(host: string, bytes: number): Promise<Client> {
  const client = await openTunnel(proxy.port('explicit'), `${host}:${origin.port}`);
  clients.push(client);
  client.socket.write(Buffer.alloc(bytes));
  return client;
}

describe.skipIf(obstacle !== undefined)('the status page', () => {
  beforeAll(async () => {
    origin = await echoOrigin();
    proxy = await startSallyport(CONFIG);
    browser = await startBrowser();
    for (const host of ['nope.test', 'nope.test', 'a.paste.test'])
      await ask(proxy.port('explicit'), `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`);
    const talking = await open('origin.test', 50_000);
    await open('other.test', 3_000_000);
    await open('trial.test', 10);
    load = setInterval(() => talking.socket.write(Buffer.alloc(10_000)), 50);
  });

  afterAll(async () => {
    clearInterval(load);
    for (const client of clients) client.socket.destroy();
    await browser.close();
    await proxy.stop();
    origin.close();
  });

  afterEach(async () => {
    const { page, complaints } = watched;
    await page.context().close();
    expect(complaints).toEqual([]);
  });

  async function show(look = {}): Promise<Page> {
    watched = await openPage(browser, `http://127.0.0.1:${proxy.port('admin')}/`, look);
    await watched.page.getByText('other.test:').waitFor();
    return watched.page;
  }

  it('shows doors, decisions, denials, parents and limits, and its figures move', async () => {
    const page = await show();
    await expect.poll(() => page.locator('#state').textContent()).toBe('ready');
    expect(await page.locator('#doors h3').allTextContents()).toEqual([
      expect.stringMatching(/^explicitopen.*CONNECT on 127\.0\.0\.1:\d+/),
      expect.stringMatching(/^transparentopen.*SNI on 127\.0\.0\.1:\d+/),
    ]);
    expect(await page.getByRole('row', { name: /^trial would deny 1$/ }).count()).toBe(1);
    expect(await page.getByRole('row', { name: /^uploads deny 1$/ }).count()).toBe(1);
    expect(await page.getByRole('row', { name: /^corp http by 127\.0\.0\.1:1 up/ }).count()).toBe(1);
    expect(await page.locator('#denials tbody tr').first().textContent()).toContain('nope.test:443');
    expect(await page.locator('#limits').textContent()).toContain('3 of 20,000');
    const figure = page.locator('#totals figure').nth(2).locator('strong');
    const before = await figure.textContent();
    await expect.poll(() => figure.textContent(), { timeout: 30_000 }).not.toBe(before);
    expect(await figure.textContent()).toMatch(/iB\/s$/);
    await expect
      .poll(() => page.locator('#totals path.line').first().getAttribute('d'), { timeout: 12_000 })
      .toMatch(/^M/);
  });

  it('sorts live tunnels, and filters all of them', async () => {
    const page = await show();
    const rows = page.locator('#tunnel-list tbody tr');
    await expect.poll(() => rows.allTextContents()).toHaveLength(3);
    expect(await rows.first().textContent()).toContain('other.test');
    await page.getByLabel('Sort by').selectOption('age');
    await expect.poll(() => rows.first().textContent()).toContain('origin.test');
    await page.getByLabel('Filter').fill('trial');
    await expect.poll(() => rows.allTextContents()).toEqual([expect.stringContaining('trial.test')]);
    expect(await page.locator('#tunnel-count').textContent()).toBe('1 of 3 live match');
  });

  it('explains a denial in the words of sallyport explain, with the YAML that would allow it', async () => {
    const page = await show();
    await page.getByRole('button', { name: 'Why is nope.test:443 denied' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    expect(await dialog.textContent()).toContain('denied: No rule allows nope.test:443');
    expect(await dialog.textContent()).toContain('uploads does not match: hosts: nope.test is not listed');
    expect(await dialog.locator('#explain-yaml').textContent()).toBe(
      '- { action: allow, hosts: ["nope.test"], ports: [443] }',
    );
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await dialog.getByRole('button', { name: 'Copy the YAML' }).click();
    await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toContain('"nope.test"');
    await page.keyboard.press('Escape');
    expect(await dialog.isVisible()).toBe(false);
    await page.getByLabel('Show').selectOption('report');
    await expect.poll(() => page.locator('#denials').textContent()).toContain('trial.test');
  });

  it('ends a tunnel, by keyboard alone, once it is told twice', async () => {
    const client = await open('origin.test', 7_000_000);
    const page = await show();
    const button = page.locator('#tunnel-list tbody tr').first().getByRole('button');
    await expect
      .poll(() => button.getAttribute('aria-label'))
      .toMatch(/^End the tunnel of 127\.0\.0\.1 to origin\.test:\d+$/);
    await button.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').isVisible()).toBe(false);
    expect(client.socket.destroyed).toBe(false);
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await proxy.tunnel({ reason: 'admin' })).toMatchObject({ host: 'origin.test', bytes_up: 7_000_000 });
  });

  it('can be read by everybody: light or dark, at a desk or on a phone', async () => {
    const page = await show();
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['light', 360],
      ['dark', 360],
      ['dark', 1280],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      expect({ colorScheme, width, found: await complaintsOfAxe(page) }).toEqual({ colorScheme, width, found: [] });
    }
    await page.getByRole('button', { name: /^Why is nope/ }).click();
    await page.getByRole('dialog').waitFor();
    expect(await complaintsOfAxe(page)).toEqual([]);
  });

  it('says first what is wrong: a reload that failed, with its place, and a server that is gone', async () => {
    const page = await show();
    await proxy.reload('listeners: 7');
    const alerts = page.getByRole('status', { name: 'What needs attention' });
    await expect
      .poll(() => alerts.textContent(), { timeout: 30_000 })
      .toMatch(/last reload failed.*yaml:1:\d+: listeners/);
    await page.route('**/api/**', (route) => route.abort());
    await expect.poll(() => alerts.textContent(), { timeout: 30_000 }).toContain('does not answer');
    // The browser itself says on the console that they were aborted.
    expect(watched.complaints.every((complaint) => complaint.includes('net::ERR_FAILED'))).toBe(true);
    watched = { page, complaints: [] };
  });
});

describe('the files of the status page', () => {
  it('are less than 120 KiB in all, and name no other place', () => {
    const folder = fileURLToPath(new URL('../../apps/sallyport/page/', import.meta.url));
    const files = [
      'index.html',
      'page.css',
      'icon.svg',
      ...readdirSync(join(folder, 'dist')).map((name) => `dist/${name}`),
    ]
      .filter((name) => /\.(html|css|svg|js)$/.test(name))
      .map((name) => join(folder, name));
    expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(120 * 1024);
    const elsewhere = /https?:\/\/(?!www\.w3\.org\/2000\/svg)/;
    expect(files.filter((file) => elsewhere.test(readFileSync(file, 'utf8')))).toEqual([]);
  });
});

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds serious or worse. */
async function complaintsOfAxe(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const results = await page.evaluate<AxeResults>('axe.run()');
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`));
}
