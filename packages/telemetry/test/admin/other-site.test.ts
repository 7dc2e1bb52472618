import { describe, expect, it } from 'vitest';
import { isAskedByOtherSite } from '../../src/admin/other-site.ts';

const host = '127.0.0.1:9128';

describe('a request by the page of another site', () => {
  it.each([
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
    { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
    // What Sec-Fetch-Site says stands above what an older header says.
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: `http://${host}` },
    { origin: 'http://evil.example' },
    { origin: 'http://127.0.0.1:9129' },
    { origin: 'null' },
    { origin: 'no url' },
  ])('is %o', (headers) => {
    expect(isAskedByOtherSite({ host, ...headers })).toBe(true);
  });

  it.each([
    {},
    { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    { origin: `http://${host}` },
    // Behind a server that speaks TLS.
    { origin: `https://${host}` },
    { origin: 'http://admin.corp', host: 'admin.corp:80' },
    { origin: 'https://admin.corp', host: 'admin.corp' },
  ])('is not %o', (headers) => {
    expect(isAskedByOtherSite({ host, ...headers })).toBe(false);
  });
});
