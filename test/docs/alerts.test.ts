/** TROUBLESHOOTING.md has each alert with its cause and its remedy, as the alert itself tells them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly annotations: { readonly summary: string; readonly runbook: string };
    }[];
  }[];
}

const root = new URL('../../', import.meta.url);
const { groups } = parse(readFileSync(new URL('configs/prometheus/alerts.yml', root), 'utf8')) as Alerts; // A boundary: our own file.
const alerts = groups.flatMap(({ rules }) => rules);

/** What Prometheus fills in stands there by its name. */
function cell(text: string): string {
  return text
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '`$1`')
    .replaceAll(/\{\{ \$value[^}]*\}\}/g, 'N')
    .replaceAll('|', '\\|');
}

describe('TROUBLESHOOTING.md', () => {
  const page = readFileSync(new URL('TROUBLESHOOTING.md', root), 'utf8').replaceAll(/ +/g, ' ');

  it.each(alerts)('has the row of $alert', ({ alert, annotations }) => {
    expect(page).toContain(`| \`${alert}\` | ${cell(annotations.summary)} | ${cell(annotations.runbook)} |`);
  });
});
