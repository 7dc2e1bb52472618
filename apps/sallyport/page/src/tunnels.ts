/** The largest, oldest or fastest live tunnels, a filter over all of them, and a button that ends one where the configuration allows it. */
import type { TunnelsReply } from './api.ts';
import { part, setText } from './dom.ts';
import { bytesText, countText, durationText, hostText, rateText } from './figures.js';
import type { AskNow } from './poll.ts';
import { createTable } from './table.ts';

type Tunnel = TunnelsReply['tunnels'][number];

const SHOWN = 50;
/** How long after the last key stroke the filter is sent. */
const TYPED_MS = 250;

export function createTunnels() {
  const filter = part('filter', HTMLInputElement);
  const sort = part('sort', HTMLSelectElement);
  const list = part('tunnel-list', HTMLElement);
  let askNow: AskNow = () => undefined;
  let typing: number | undefined;
  const cut = (tunnel: Tunnel): void => void confirmCut(tunnel).then(() => askNow());
  const table = createTable<Tunnel>({
    label: 'Live tunnels',
    empty: 'No tunnel.',
    keyOf: ({ id }) => id,
    columns: [
      {
        title: 'Destination',
        text: ({ host, port }) => hostText(host, port),
        note: ({ client, user, rule, listener }) =>
          `${client}${user === undefined ? '' : `, ${user}`} · ${rule === 'default' ? 'the default' : `rule ${rule}`} · ${listener}`,
      },
      { title: 'Up', class: 'number wide', text: (tunnel) => bytesText(tunnel.bytes_up) },
      { title: 'Down', class: 'number wide', text: (tunnel) => bytesText(tunnel.bytes_down) },
      {
        title: 'Rate',
        class: 'number',
        text: (tunnel) => rateText(tunnel.bytes_per_second ?? 0),
      },
      { title: 'Age', class: 'number', text: (tunnel) => durationText(tunnel.age_ms) },
      {
        title: '',
        class: 'act',
        button: {
          text: 'End',
          label: ({ host, port, client }) => `End the tunnel of ${client} to ${hostText(host, port)}`,
          press: cut,
        },
      },
    ],
  });
  list.append(table.node);
  return {
    question: () =>
      `api/tunnels?${new URLSearchParams({ sort: sort.value, filter: filter.value, limit: `${SHOWN}`, rates: 'true' }).toString()}`,
    follow(ask: AskNow): void {
      askNow = ask;
      sort.addEventListener('change', ask);
      filter.addEventListener('input', () => {
        window.clearTimeout(typing);
        typing = window.setTimeout(ask, TYPED_MS);
      });
    },
    allowControl: (isAllowed: boolean) => void list.classList.toggle('fixed', !isAllowed),
    show({ tunnels, live = 0, matching = 0 }: TunnelsReply): void {
      table.show(tunnels);
      const all =
        filter.value === '' ? `${countText(live)} live` : `${countText(matching)} of ${countText(live)} live match`;
      setText(
        part('tunnel-count', HTMLElement),
        matching > tunnels.length ? `${all}; the first ${tunnels.length} are shown` : all,
      );
    },
  };
}

async function confirmCut({ id, host, port, client }: Tunnel): Promise<void> {
  const dialog = part('cut-dialog', HTMLDialogElement);
  setText(
    part('cut-text', HTMLElement),
    `${client} to ${hostText(host, port)}: both ends are closed, and the log has the reason admin.`,
  );
  dialog.returnValue = 'keep';
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  if (dialog.returnValue === 'cut') await fetch(`api/tunnels/${encodeURIComponent(id)}`, { method: 'DELETE' });
}
