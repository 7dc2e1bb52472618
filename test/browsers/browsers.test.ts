/** Real browsers as clients: a local HTTPS site through both doors. What differs between the engines is tested elsewhere; this is once. */
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../e2e/harness/certificates.ts';
import type { Origin } from '../e2e/harness/peers.ts';
import { type Running, startSallyport } from '../e2e/harness/sallyport.ts';
import { type Browser, type Way, whyNoBrowser } from './browser.ts';
import { chromium } from './chromium.ts';
import { firefox } from './firefox.ts';
import { FILE, startOrigin } from './origin.ts';

const programs = [chromium, firefox];
for (const program of programs) {
  const why = whyNoBrowser(program);
  if (why !== undefined) console.warn(`SKIPPED: ${program.name} is not tested here, for ${why}`);
}

const HOST = 'origin.test';
const credentials = { username: 'alice', password: 'secret' };

let modern: Origin;
let old: Origin;
let proxy: Running;

beforeAll(async () => {
  const certificates = makeCertificates([HOST]);
  modern = await startOrigin('h2', certificates);
  old = await startOrigin('http/1.1', certificates);
  const users = `${credentials.username}:${hashSync(credentials.password, 4)}\n`;
  proxy = await startSallyport(configuration(), { files: { 'users.htpasswd': users } });
});

afterAll(async () => {
  await proxy.stop();
  modern.close();
  old.close();
});

function configuration(): string {
  return `listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:0", verify_sni: enforce, auth: { users_file: users.htpasswd } }
  - { name: modern, mode: sni, bind: "127.0.0.1:0", port: ${modern.port} }
  - { name: old, mode: sni, bind: "127.0.0.1:0", port: ${old.port} }
admin: { bind: "127.0.0.1:0" }
dns: { hosts: { ${HOST}: ["127.0.0.1"] } }
policy:
  rules: [{ name: site, action: allow, hosts: [${HOST}] }]
  destinations: { allow: [loopback] }
`;
}

interface Route {
  readonly door: string;
  readonly way: () => Way;
  /** Where a browser finds an origin. */
  readonly site: (speaks: 'modern' | 'old') => string;
}

const routes: readonly Route[] = [
  {
    door: 'explicit',
    way: () => ({ proxy: { port: proxy.port('explicit'), ...credentials }, localName: HOST }),
    site: (speaks) => `${HOST}:${speaks === 'modern' ? modern.port : old.port}`,
  },
  {
    door: 'transparent',
    way: () => ({ localName: HOST }),
    site: (speaks) => `${HOST}:${proxy.port(speaks)}`,
  },
];

describe.each(programs)('$name', (program) => {
  describe.skipIf(whyNoBrowser(program) !== undefined).each(routes)('through the $door door', ({ door, way, site }) => {
    let browser: Browser;
    let from = 0;
    beforeAll(async () => {
      from = proxy.lines.length;
      browser = await program.launch(way());
    }, 60_000);
    afterAll(() => browser.close());

    it.each([
      ['modern', 'h2'],
      ['old', 'http/1.1'],
    ] as const)('opens a page of the %s origin over %s', async (speaks, protocol) => {
      const seen = `JSON.stringify([document.querySelector('h1').textContent, performance.getEntriesByType('navigation')[0].nextHopProtocol])`;
      expect(await browser.evaluate(`https://${site(speaks)}/`, seen)).toBe(JSON.stringify(['hello', protocol]));
    });

    it('talks over a WebSocket', async () => {
      const talk = `new Promise((resolve, reject) => {
        const socket = new WebSocket('wss://${site('modern')}/');
        socket.onopen = () => socket.send('through the door');
        socket.onmessage = ({ data }) => resolve(data);
        socket.onerror = () => reject(new Error('the WebSocket failed'));
      })`;
      expect(await browser.evaluate(`https://${site('modern')}/`, talk)).toBe('through the door');
    });

    it('downloads a file whole', async () => {
      expect((await browser.download(`https://${site('modern')}/file`)).equals(FILE)).toBe(true);
    });

    if (door !== 'explicit') return;
    it('was asked who it is, and said it', async () => {
      const ofTheDoor = { msg: 'tunnel', listener: 'explicit' };
      await proxy.line({ ...ofTheDoor, status: 407, reason: 'auth' }, from);
      await proxy.line({ ...ofTheDoor, status: 200, user: credentials.username, sni: HOST }, from);
    });
  });
});
