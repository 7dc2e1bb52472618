/** The panels of DNS and dials, egresses, and limits. */
import type { StatusReply } from './api.ts';
import { element, part, setTerms, setText } from './dom.ts';
import { countText, secondsText, shortNumber } from './figures.js';
import { createTable } from './table.ts';

type Egress = StatusReply['egresses'][number];

/** From this share on, a meter has its warning colour. */
const NEAR = 0.8;

export function createHealth() {
  const dns = element('dl');
  part('dns', HTMLElement).append(dns);
  const egresses = createTable<Egress>({
    label: 'Ways out',
    empty: 'None.',
    keyOf: ({ name }) => name,
    columns: [
      {
        title: 'Name',
        text: ({ name }) => name,
        note: ({ type, address }) => (address === undefined ? type : `${type} by ${address}`),
      },
      { title: 'State', mark: ({ up }) => (up ? { text: 'up', class: 'good' } : { text: 'down', class: 'bad' }) },
      { title: 'Attempts', class: 'number', text: ({ attempts }) => attemptsText(attempts) },
    ],
  });
  part('egresses', HTMLElement).append(egresses.node);
  const limits = new Map<string, ReturnType<typeof createLimit>>();
  return {
    show(status: StatusReply): void {
      setTerms(dns, [...dnsTerms(status), ...dialTerms(status)]);
      egresses.show(status.egresses);
      for (const { name, listener, used, limit } of status.limits) {
        const title = `${name}${listener === undefined ? '' : ` at ${listener}`}`;
        const known = limits.get(title) ?? createLimit(title);
        if (!limits.has(title)) part('limits', HTMLElement).append(known.node);
        limits.set(title, known);
        known.show(used, limit);
      }
    },
  };
}

function dnsTerms({ dns }: StatusReply): readonly (readonly [string, string])[] {
  const { hit, miss, negative, seconds } = dns;
  const asked = hit + miss + negative;
  const share =
    asked === 0 ? 'no look-up yet' : `${shortNumber((100 * (hit + negative)) / asked)} % of ${countText(asked)}`;
  return [
    ['Look-up, p50', secondsText(seconds.p50)],
    ['Look-up, p99', secondsText(seconds.p99)],
    ['From the cache', negative === 0 ? share : `${share}, ${countText(negative)} of them failures`],
  ];
}

function dialTerms({ dials }: StatusReply): readonly (readonly [string, string])[] {
  const families = (['ipv4', 'ipv6'] as const).map((family) => {
    const attempts = dials.attempts.filter((attempt) => attempt.family === family);
    const counts = Object.fromEntries(attempts.map(({ result, count }) => [result, count]));
    return [`Dials, ${family === 'ipv4' ? 'IPv4' : 'IPv6'}`, attemptsText(counts)] as const;
  });
  return [['Dial, p50', secondsText(dials.seconds.p50)], ['Dial, p99', secondsText(dials.seconds.p99)], ...families];
}

function attemptsText(attempts: Readonly<Record<string, number>>): string {
  const counts = Object.entries(attempts).map(([result, count]) => `${countText(count)} ${result}`);
  return counts.length === 0 ? 'none' : counts.join(', ');
}

function createLimit(title: string): { readonly node: HTMLElement; show(used: number, limit: number): void } {
  const figures = element('strong');
  const meter = element('meter');
  meter.setAttribute('aria-label', title);
  const caption = element('figcaption', {}, [element('span', { text: title }), figures]);
  return {
    node: element('figure', {}, [caption, meter]),
    show(used, limit) {
      setText(figures, `${countText(used)} of ${countText(limit)}`);
      meter.max = limit;
      meter.high = NEAR * limit;
      meter.optimum = 0;
      meter.value = used;
    },
  };
}
