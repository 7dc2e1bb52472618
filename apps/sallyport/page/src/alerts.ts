/** The problems that need an operator's attention, the worst first. */
import type { StatusReply } from './api.ts';
import { element, part } from './dom.ts';
import { countText } from './figures.js';

interface Alert {
  readonly level: 'bad' | 'warn';
  readonly text: string;
  readonly detail?: string;
}

/** From this share on, a limit is close. */
const NEAR = 0.8;

let shown = '';

/** @param failure why there is no status */
export function showAlerts(status: StatusReply | undefined, failure?: string): void {
  const alerts = status ? findAlerts(status) : [lost(failure)];
  // Replaced only when it changes, for a screen reader reads it aloud.
  const text = JSON.stringify(alerts);
  if (text === shown) return;
  shown = text;
  part('alerts', HTMLElement).replaceChildren(...alerts.map(describe));
}

function describe({ level, text, detail }: Alert): HTMLElement {
  const children = [
    document.createTextNode(text),
    ...(detail === undefined ? [] : [element('small', { text: detail })]),
  ];
  return element('p', { class: `alert ${level}` }, children);
}

function lost(failure = ''): Alert {
  return { level: 'bad', text: 'The admin server does not answer; the figures below are old.', detail: failure };
}

function findAlerts(status: StatusReply): readonly Alert[] {
  const { state, reload, egresses, limits, log_lines_dropped: dropped, doors, report_only } = status;
  const alerts: Alert[] = [];
  if (state === 'draining') alerts.push({ level: 'warn', text: 'It drains: no new tunnels are taken.' });
  if (reload?.result === 'failure')
    alerts.push({
      level: 'bad',
      text: 'The last reload failed; the configuration before it is in force.',
      detail: reload.problems.join('\n'),
    });
  for (const { name } of egresses.filter(({ up }) => !up))
    alerts.push({ level: 'bad', text: `The parent ${name} is down.` });
  for (const { name, listener, used, limit } of limits.filter((each) => each.used >= NEAR * each.limit)) {
    const where = listener === undefined ? '' : ` of ${listener}`;
    const level = used >= limit ? 'bad' : 'warn';
    alerts.push({ level, text: `limits.${name}${where}: ${countText(used)} of ${countText(limit)} are taken.` });
  }
  if (dropped > 0)
    alerts.push({
      level: 'warn',
      text: `${countText(dropped)} log lines were dropped: what reads the log is too slow or has left.`,
    });
  const reporting = doors.filter((door) => door.report_only).map(({ name }) => name);
  if (report_only) alerts.push({ level: 'warn', text: 'report_only: rules deny nothing.' });
  else if (reporting.length > 0)
    alerts.push({ level: 'warn', text: `report_only: rules deny nothing at ${reporting.join(', ')}.` });
  return alerts;
}
