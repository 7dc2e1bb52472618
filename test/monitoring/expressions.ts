/** What the shipped dashboard and rules ask for, and which metrics and labels they name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { PROMETHEUS_FOLDER } from './prometheus.ts';

export interface Expression {
  /** Where it stands. */
  readonly title: string;
  readonly text: string;
  /** Labels that it is shown with: a result without them shows nothing. */
  readonly shownLabels: readonly string[];
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
}

export const dashboard = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../configs/grafana/sallyport.json', import.meta.url)), 'utf8'),
) as Dashboard;

/** The variables as Grafana would set them for somebody who has chosen nothing. */
export function dashboardExpressions(): readonly Expression[] {
  return dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      title,
      text: expr.replaceAll(/\$(?:job|instance)\b/g, '.+').replaceAll('$__rate_interval', '5s'),
      shownLabels: [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label),
    })),
  );
}

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function readRules(file: string): readonly Rule[] {
  const { groups } = parse(readFileSync(join(PROMETHEUS_FOLDER, file), 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

export function ruleExpressions(): readonly Expression[] {
  return ['recording-rules.yml', 'alerts.yml'].flatMap(readRules).map(({ alert, record, expr, annotations = {} }) => ({
    title: alert ?? record ?? '',
    text: expr,
    shownLabels: [
      ...Object.values(annotations)
        .join(' ')
        .matchAll(/\$labels\.(\w+)/g),
    ].map(([, label = '']) => label),
  }));
}

/** The names of metrics in an expression. */
export function metricsIn({ text }: Expression): readonly string[] {
  const withoutLabels = text.replaceAll(/\{[^}]*\}/g, '').replaceAll(/\b(?:by|on|without|ignoring) \([^)]*\)/g, '');
  return [...withoutLabels.matchAll(/\b(?:sallyport|process|nodejs)_\w+|\bup\b|\b[a-z_]+:\w+:\w+/g)].map(
    ([name]) => name,
  );
}

/** The names of labels in an expression: those that it selects by, and those that it groups by. */
export function labelsIn({ text, shownLabels }: Expression): readonly string[] {
  const selected = [...text.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label);
  const grouped = [...text.matchAll(/\b(?:by|on|without|ignoring) \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  );
  return [...selected, ...grouped, ...shownLabels];
}
