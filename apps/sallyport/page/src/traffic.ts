/** Tunnels, set-ups and bytes, of all doors together and of each door, now and in the last fifteen minutes. */
import type { HistoryReply, StatusReply } from './api.ts';
import { type Chart, createChart } from './chart.ts';
import { element, part, setText } from './dom.ts';
import { countText, perSecondText, rateText } from './figures.js';

type Door = StatusReply['doors'][number];
type Series = HistoryReply['doors'][string];
type Key = keyof Series;

/** The figures with a chart, in this order. */
const CHARTS: readonly { readonly key: Key; readonly title: string; readonly spell: (value: number) => string }[] = [
  { key: 'tunnels', title: 'Tunnels', spell: countText },
  { key: 'set_ups', title: 'Set up', spell: perSecondText },
  { key: 'bytes_up', title: 'Up', spell: rateText },
  { key: 'bytes_down', title: 'Down', spell: rateText },
  { key: 'refused', title: 'Refused', spell: perSecondText },
];

interface Panel {
  readonly node: HTMLElement;
  readonly charts: ReadonlyMap<Key, Chart>;
}

/** Counts at one moment, from which rates are calculated. */
interface Moment {
  readonly uptimeMs: number;
  readonly doors: ReadonlyMap<string, Record<Key, number>>;
}

export function createTraffic() {
  const totals = createCharts();
  part('totals', HTMLElement).append(...[...totals.values()].map(({ figure }) => figure));
  const doors = new Map<string, ReturnType<typeof createDoor>>();
  let history: HistoryReply['doors'] = {};
  let before: Moment | undefined;
  let rates = new Map<string, Record<Key, number>>();

  const draw = (): void => {
    drawCharts(totals, sumSeries(Object.values(history)), sumCounts([...rates.values()]));
    for (const [name, { charts }] of doors) drawCharts(charts, history[name], rates.get(name));
  };
  return {
    showStatus(status: StatusReply): void {
      const now = momentOf(status);
      rates = ratesBetween(before, now);
      before = now;
      for (const door of status.doors) {
        const known = doors.get(door.name) ?? createDoor();
        if (!doors.has(door.name)) part('doors', HTMLElement).append(known.node);
        doors.set(door.name, known);
        known.show(door);
      }
      draw();
    },
    showHistory(reply: HistoryReply): void {
      history = reply.doors;
      draw();
    },
  };
}

function createCharts(): ReadonlyMap<Key, Chart> {
  return new Map(CHARTS.map(({ key, title, spell }) => [key, createChart(title, spell)]));
}

function createDoor(): Panel & { show(door: Door): void } {
  const charts = createCharts();
  const name = element('span');
  const state = element('span');
  const reporting = element('span', { class: 'mark warn', text: 'report only' });
  const address = element('span', { class: 'address' });
  const title = element('h3', {}, [name, state, reporting, document.createTextNode(' '), address]);
  const figures = [...charts.values()].map(({ figure }) => figure);
  const node = element('div', { class: 'door' }, [title, element('div', { class: 'charts' }, figures)]);
  return {
    node,
    charts,
    show(door) {
      setText(name, door.name);
      setText(state, door.state);
      state.className = `mark ${door.state === 'open' ? 'good' : 'warn'}`;
      reporting.hidden = !door.report_only;
      const kind = door.mode === 'connect' ? 'CONNECT' : 'SNI';
      const open = door.handshakes === 1 ? '1 handshake' : `${countText(door.handshakes)} handshakes`;
      setText(address, `${kind}${door.tls ? ' over TLS' : ''} on ${door.addresses.join(', ')} · ${open} under way`);
    },
  };
}

function drawCharts(
  charts: ReadonlyMap<Key, Chart>,
  series: Series | undefined,
  now: Record<Key, number> | undefined,
): void {
  for (const { key, spell } of CHARTS) charts.get(key)?.show(series?.[key] ?? [], now ? spell(now[key]) : '…');
}

function momentOf({ uptime_ms, doors }: StatusReply): Moment {
  const counts = doors.map(
    ({ name, tunnels, set_ups, bytes_up, bytes_down, refused }) =>
      [name, { tunnels, set_ups, bytes_up, bytes_down, refused }] as const,
  );
  return { uptimeMs: uptime_ms, doors: new Map(counts) };
}

/** Tunnels as a number, all others per second. Empty without earlier counts, or after a restart of the process. */
function ratesBetween(before: Moment | undefined, now: Moment): Map<string, Record<Key, number>> {
  const seconds = (now.uptimeMs - (before?.uptimeMs ?? Infinity)) / 1000;
  return new Map(
    [...now.doors].map(([name, counts]) => {
      const then = seconds > 0 ? before?.doors.get(name) : undefined;
      const rate = (key: Key): number => (then ? Math.max(0, counts[key] - then[key]) / seconds : 0);
      const rates = { set_ups: rate('set_ups'), bytes_up: rate('bytes_up'), bytes_down: rate('bytes_down') };
      return [name, { tunnels: counts.tunnels, ...rates, refused: rate('refused') }];
    }),
  );
}

const NOTHING: Record<Key, number> = { tunnels: 0, set_ups: 0, bytes_up: 0, bytes_down: 0, refused: 0 };

function sumCounts(all: readonly Record<Key, number>[]): Record<Key, number> {
  const sum = { ...NOTHING };
  for (const counts of all) for (const { key } of CHARTS) sum[key] += counts[key];
  return sum;
}

/** The newest samples of all doors are of the same moment. */
function sumSeries(all: readonly Series[]): Series {
  const length = Math.max(0, ...all.map(({ tunnels }) => tunnels.length));
  const sum = (key: Key): number[] =>
    Array.from({ length }, (_, at) => all.reduce((total, door) => total + (door[key].at(at - length) ?? 0), 0));
  return {
    tunnels: sum('tunnels'),
    set_ups: sum('set_ups'),
    bytes_up: sum('bytes_up'),
    bytes_down: sum('bytes_down'),
    refused: sum('refused'),
  };
}
