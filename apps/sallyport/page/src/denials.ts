/** The most refused destinations. On request, one shows what `sallyport explain` prints and the YAML rule that would allow it. */
import type { DenialsReply, ExplainReply } from './api.ts';
import { part, setText } from './dom.ts';
import { agoText, countText, hostText } from './figures.js';
import type { AskNow } from './poll.ts';
import { createTable } from './table.ts';

type Denial = DenialsReply['denials'][number];

export function createDenials() {
  let now = new Date().toISOString();
  const verdict = part('verdict', HTMLSelectElement);
  const table = createTable<Denial>({
    label: 'Denied destinations',
    empty: 'None.',
    keyOf: ({ host, port, listener, rule, reason }) => JSON.stringify([host, port, listener, rule, reason]),
    columns: [
      {
        title: 'Destination',
        text: ({ host, port }) => hostText(host, port),
        note: ({ rule, reason, listener, client }) =>
          `${rule === undefined ? '' : `${ruleText(rule)} · `}${reason} · ${listener} · last by ${client}`,
      },
      { title: 'Last', class: 'wide', text: ({ last }) => agoText(last, now) },
      { title: 'Count', class: 'number', text: ({ count }) => countText(count) },
      {
        title: '',
        class: 'act',
        button: { text: 'Why', label: ({ host, port }) => `Why is ${hostText(host, port)} denied`, press: explain },
      },
    ],
  });
  part('denials', HTMLElement).append(table.node);
  part('explain-copy', HTMLButtonElement).addEventListener('click', () => void copyRemedy());
  return {
    question: () => `api/denials?limit=50&verdict=${verdict.value}`,
    follow: (askNow: AskNow) => verdict.addEventListener('change', askNow),
    setNow: (moment: string) => void (now = moment),
    show: ({ denials }: DenialsReply) => table.show(denials),
  };
}

function ruleText(rule: string): string {
  return rule === 'default' ? 'the default' : `rule ${rule}`;
}

function explain(denial: Denial): void {
  void showExplanation(denial).catch((cause: unknown) => openDialog(denial, { text: String(cause) }));
}

async function showExplanation(denial: Denial): Promise<void> {
  const { host, port, client, listener } = denial;
  const query = new URLSearchParams({ host, port: `${port}`, client, listener });
  const reply = await fetch(`api/explain?${query.toString()}`);
  if (!reply.ok) throw new Error(await reply.text());
  openDialog(denial, (await reply.json()) as ExplainReply); // A test compares the server with the OpenAPI document.
}

function openDialog({ host, port }: Denial, { text, yaml }: Pick<ExplainReply, 'text' | 'yaml'>): void {
  setText(part('explain-title', HTMLElement), `${hostText(host, port)}, asked again now`);
  setText(part('explain-text', HTMLElement), text.trimEnd());
  setText(part('explain-yaml', HTMLElement), yaml ?? '');
  setText(part('explain-copy', HTMLElement), 'Copy the YAML');
  part('explain-remedy', HTMLElement).hidden = yaml === undefined;
  part('explain-copy', HTMLElement).hidden = yaml === undefined;
  part('explain-dialog', HTMLDialogElement).showModal();
}

/** Browsers let a page write to the clipboard only on loopback and over TLS. Elsewhere the text is selected, to be copied by hand. */
async function copyRemedy(): Promise<void> {
  const yaml = part('explain-yaml', HTMLElement);
  const copy = part('explain-copy', HTMLElement);
  try {
    await navigator.clipboard.writeText(yaml.textContent);
    setText(copy, 'Copied');
  } catch {
    window.getSelection()?.selectAllChildren(yaml);
    setText(copy, 'Selected: press Ctrl+C');
  }
}
