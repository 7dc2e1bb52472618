// Opens a URL in Debian's Chromium, as far as a page comes of it, and prints what the page says.
import { chromium } from 'playwright-core';

const [url] = process.argv.slice(2);
const server = process.env.https_proxy;
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  // Its sandbox wants rights that root in a container has not.
  args: ['--no-sandbox'],
  ...(server !== undefined && { proxy: { server } }),
});
const page = await browser.newPage();
// A navigation that fails ends at a page of the browser's own.
await page.goto(url).catch(() => page.waitForURL('chrome-error://chromewebdata/'));
await page.waitForLoadState();
console.log(await page.evaluate('document.body.innerText'));
await browser.close();
