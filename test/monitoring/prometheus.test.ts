/** Debian's Prometheus scrapes the running proxy; what is shipped for it is evaluated by it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dashboard, dashboardExpressions, labelsIn, metricsIn, readRules, ruleExpressions } from './expressions.ts';
import { PROMETHEUS_FOLDER, type Prometheus, startPrometheus, whyNoPrometheus } from './prometheus.ts';
import { type Scene, startScene } from './scene.ts';

const obstacle = whyNoPrometheus();
if (obstacle !== undefined)
  console.warn(`SKIPPED: configs/prometheus and configs/grafana are held against nothing, for ${obstacle}`);

describe.skipIf(obstacle !== undefined)('what is shipped for Prometheus', () => {
  it.each([
    ['check', 'config', 'prometheus.yml'],
    ['check', 'rules', 'recording-rules.yml'],
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ])('passes promtool %s %s %s', (command, what, file) => {
    const { status, stdout, stderr } = spawnSync('promtool', [command, what, file], {
      cwd: PROMETHEUS_FOLDER,
      encoding: 'utf8',
    });
    expect({ status, told: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, told: '' });
  });

  const alerts = readRules('alerts.yml');
  const tests = readFileSync(join(PROMETHEUS_FOLDER, 'alerts.test.yml'), 'utf8');

  it.each(alerts.map(({ alert }) => alert))('fires %s in a test of its own', (alert) => {
    expect(tests).toMatch(new RegExp(`labels: 'ALERTS\\{alertname="${alert ?? ''}",alertstate="firing"`));
  });

  it.each(alerts.map(({ alert, annotations }) => [alert, annotations]))(
    'tells what %s means and what to do',
    (...row) => {
      expect(Object.keys(row[1] ?? {})).toEqual(['summary', 'runbook']);
      expect(row[1]?.['runbook']).toMatch(/.{60}/);
    },
  );
});

describe('the dashboard', () => {
  it('lays its panels side by side', () => {
    const cells = dashboard.panels.flatMap(({ id, gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => ({ id, cell: `${x + (at % w)},${y + Math.floor(at / w)}` })),
    );
    expect(new Set(cells.map(({ cell }) => cell)).size).toBe(cells.length);
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  it('says of every panel what it shows', () => {
    const silent = dashboard.panels.filter(({ type, description }) => type !== 'row' && !description);
    expect(silent).toEqual([]);
  });
});

describe.skipIf(obstacle !== undefined)('a Prometheus that scrapes the running proxy', () => {
  let scene: Scene;
  let prometheus: Prometheus;

  beforeAll(async () => {
    scene = await startScene();
    prometheus = await startPrometheus(`127.0.0.1:${scene.proxy.port('admin')}`);
  }, 60_000);
  afterAll(async () => {
    await prometheus.stop();
    await scene.stop();
  });

  it('reads OpenMetrics', async () => {
    await vi.waitUntil(async () => (await prometheus.query('up == 1')).length === 1, {
      timeout: 30_000,
      interval: 100,
    });
    const { activeTargets } = (await prometheus.api('targets')) as {
      activeTargets: { lastError: string; health: string }[];
    };
    expect(activeTargets).toMatchObject([{ lastError: '', health: 'up' }]);
    expect(await prometheus.api('metadata?metric=sallyport_dns_cache')).toMatchObject({
      sallyport_dns_cache: [{ type: 'counter' }],
    });
  });

  /** By metric, which labels it has; and those that rules record. */
  async function known(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const found = new Map<string, Set<string>>();
    for (const metric of (await prometheus.api('series?match[]={__name__=~".%2B"}')) as Record<string, string>[]) {
      const { __name__: name = '', ...labels } = metric;
      const labelsSoFar = found.get(name) ?? new Set<string>();
      found.set(name, new Set([...labelsSoFar, ...Object.keys(labels)]));
    }
    return found;
  }

  it('finds every metric and label that the dashboard and the rules name', async () => {
    const asked = [...dashboardExpressions(), ...ruleExpressions()];
    const missing = async () => {
      await scene.use();
      const there = await known();
      return asked.flatMap((expression) => {
        const metrics = metricsIn(expression);
        const labels = new Set(metrics.flatMap((name) => [...(there.get(name) ?? [])]));
        const lost = labelsIn(expression).filter((label) => !labels.has(label));
        return [
          ...metrics.filter((name) => !there.has(name)),
          ...(metrics.length === 0 ? ['no metric'] : []),
          ...lost,
        ].map((name) => `${expression.title}: ${name}`);
      });
    };
    await vi.waitFor(async () => expect(await missing()).toEqual([]), { timeout: 30_000, interval: 500 });
  }, 40_000);

  it('has data for every panel, with the labels that it is shown with', async () => {
    const stillEmpty = new Map(
      dashboardExpressions().map((expression) => [expression.title + expression.text, expression]),
    );
    await vi.waitFor(
      async () => {
        await scene.use();
        for (const [key, { text, shownLabels }] of stillEmpty) {
          const samples = await prometheus.query(text);
          const isShown = samples.some(
            ({ metric, value }) => !Number.isNaN(value) && shownLabels.every((label) => label in metric),
          );
          if (isShown) stillEmpty.delete(key);
        }
        expect([...stillEmpty.values()]).toEqual([]);
      },
      { timeout: 30_000, interval: 250 },
    );
  }, 40_000);
});
