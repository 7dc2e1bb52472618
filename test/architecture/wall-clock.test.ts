/** Whatever measures a span reads a clock that is never set: a machine's time may be put forward or back by a day. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where the time of day is meant, and why. */
const TIMES_OF_DAY: Readonly<Record<string, string>> = {
  'packages/telemetry/src/log/logger.ts': 'the time of a line',
  'packages/telemetry/src/log/line-writer.ts': 'the time of a line',
  'packages/telemetry/src/log/collectors/otlp-courier.ts': 'a Retry-After that names a date',
  'packages/tunnel-server/src/http/exchange.ts': 'the Date of an answer that has none',
  'packages/tunnel-server/src/http/forward-request.ts': 'the Date of a reply',
  'packages/tunnel-server/src/account/denials.ts': 'when a destination was refused last, for a person',
  'packages/tunnel-server/src/account/ledger.ts': 'ids that differ from those of an earlier process',
  'apps/connect-frontend/src/frontend.ts': 'the Date of a reply',
  'apps/connect-frontend/src/tls-rules.ts': 'when a certificate expires',
  'apps/ssl-preread-frontend/src/answers.ts': 'the Date of a reply',
  'apps/sallyport/src/admin/status.ts': 'the time of the answer, for a person',
  'apps/sallyport/src/program.ts': 'the time of the last reload, for a person',
  'apps/sallyport/src/commands/summary.ts': 'lines of a log since a time of day',
  'apps/sallyport/src/certificate-times.ts': 'whether a certificate has expired',
};

it('the time of day is read only where it is meant', () => {
  const readers = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).flatMap((name) => filesBelow(`${group}/${name}/src`)),
  );
  const found = readers.filter((file) =>
    /Date\.now\(|new Date\(\)|process\.hrtime\(\)/.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(found.sort()).toEqual(Object.keys(TIMES_OF_DAY).sort());
});

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`);
}
