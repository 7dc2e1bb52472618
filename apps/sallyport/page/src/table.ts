/** A table that keeps its row elements when their content changes, so that focus and selection are kept. */
import { element, setText } from './dom.ts';

export interface Column<Item> {
  readonly title: string;
  readonly class?: 'number' | 'act' | 'wide' | 'number wide';
  /** The text of the cell, and a second, smaller line. */
  text?(item: Item): string;
  note?(item: Item): string;
  /** A small mark behind the text: a word, and how bad it is. */
  mark?(item: Item): { readonly text: string; readonly class: 'good' | 'warn' | 'bad' } | undefined;
  /** A button in the cell, with a label that is complete without the row. */
  readonly button?: {
    readonly text: string;
    readonly label: (item: Item) => string;
    readonly press: (item: Item) => void;
  };
}

export interface Table<Item> {
  readonly node: HTMLElement;
  show(items: readonly Item[]): void;
}

export interface TableOptions<Item> {
  /** The table's name for a screen reader. */
  readonly label: string;
  readonly columns: readonly Column<Item>[];
  /** Shown where there is no row. */
  readonly empty: string;
  readonly keyOf: (item: Item) => string;
}

interface Row<Item> {
  readonly node: HTMLTableRowElement;
  update(item: Item): void;
}

export function createTable<Item>({ label, columns, empty, keyOf }: TableOptions<Item>): Table<Item> {
  const rows = new Map<string, Row<Item>>();
  const head = element('tr', {}, columns.map(headCell));
  const body = element('tbody');
  const table = element('table', {}, [element('thead', {}, [head]), body]);
  table.setAttribute('aria-label', label);
  const nothing = element('p', { class: 'note', text: empty });
  return {
    node: element('div', {}, [table, nothing]),
    show(items) {
      table.hidden = items.length === 0;
      nothing.hidden = items.length > 0;
      const shown = new Set(items.map(keyOf));
      for (const [key, { node }] of rows) {
        if (shown.has(key)) continue;
        node.remove();
        rows.delete(key);
      }
      const wanted = items.map((item) => {
        const row = rows.get(keyOf(item)) ?? createRow(columns);
        rows.set(keyOf(item), row);
        row.update(item);
        return row.node;
      });
      arrange(body, wanted);
    },
  };
}

/** A row with the focus keeps it: then rows are not reordered, and new ones are added at the end. */
function arrange(body: HTMLElement, wanted: readonly HTMLElement[]): void {
  if (body.contains(document.activeElement)) {
    for (const node of wanted) if (!node.isConnected) body.append(node);
    return;
  }
  for (const [at, node] of wanted.entries()) {
    const there = body.children[at];
    if (there !== node) body.insertBefore(node, there ?? null);
  }
}

function headCell<Item>({ title, class: className }: Column<Item>): HTMLElement {
  // A column of buttons has no title, for each button has its own label.
  if (title === '') return element('td', className === undefined ? {} : { class: className });
  const cell = element('th', { text: title, ...(className !== undefined && { class: className }) });
  cell.scope = 'col';
  return cell;
}

function createRow<Item>(columns: readonly Column<Item>[]): Row<Item> {
  let shown: Item | undefined;
  const cells = columns.map((column) => createCell(column, () => shown));
  const node = element(
    'tr',
    {},
    cells.map((cell) => cell.node),
  );
  return {
    node,
    update(item) {
      shown = item;
      for (const cell of cells) cell.update(item);
    },
  };
}

interface Cell<Item> {
  readonly node: HTMLElement;
  update(item: Item): void;
}

function createCell<Item>(column: Column<Item>, shown: () => Item | undefined): Cell<Item> {
  const text = element('span');
  const note = element('small');
  const mark = element('span');
  const button = column.button && createButton(column.button, shown);
  const parts = [...(column.text ? [text] : []), ...(column.mark ? [mark] : []), ...(column.note ? [note] : [])];
  const children = button ? [...parts, button.node] : parts;
  const node = element('td', column.class === undefined ? {} : { class: column.class }, children);
  return {
    node,
    update(item) {
      if (column.text) setText(text, column.text(item));
      if (column.note) setText(note, column.note(item));
      const marked = column.mark?.(item);
      mark.hidden = marked === undefined;
      if (marked) {
        setText(mark, marked.text);
        mark.className = `mark ${marked.class}`;
      }
      button?.update(item);
    },
  };
}

function createButton<Item>(
  { text, label, press }: NonNullable<Column<Item>['button']>,
  shown: () => Item | undefined,
): Cell<Item> {
  const node = element('button', { text });
  node.type = 'button';
  node.addEventListener('click', () => {
    const item = shown();
    if (item !== undefined) press(item);
  });
  return { node, update: (item) => node.setAttribute('aria-label', label(item)) };
}
