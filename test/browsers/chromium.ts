/** Debian's Chromium, driven by Playwright. */
import { readFileSync } from 'node:fs';
import { chromium as playwright } from 'playwright-core';
import type { Browser, BrowserProgram, Way } from './browser.ts';

export const chromium: BrowserProgram = { name: 'Chromium', program: 'chromium', launch };

async function launch({ proxy, localName }: Way): Promise<Browser> {
  const resolve = proxy ? [] : [`--host-resolver-rules=MAP ${localName} 127.0.0.1`];
  const browser = await playwright.launch({
    executablePath: '/usr/bin/chromium',
    // Its sandbox wants rights that root in a container has not.
    args: ['--no-sandbox', ...resolve],
    ...(proxy && {
      proxy: { server: `http://127.0.0.1:${proxy.port}`, username: proxy.username, password: proxy.password },
    }),
  });
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  return {
    evaluate: async (url, expression) => {
      await page.goto(url);
      return page.evaluate(expression);
    },
    download: async (url) => {
      const coming = page.waitForEvent('download');
      // A navigation that becomes a download is an interrupted one.
      await Promise.allSettled([page.goto(url)]);
      const download = await coming;
      return readFileSync(await download.path());
    },
    close: () => browser.close(),
  };
}
