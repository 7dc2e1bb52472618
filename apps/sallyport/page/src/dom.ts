/** Makes elements from text only: nothing that a client sent is parsed as HTML. */

interface Attributes {
  readonly class?: string;
  readonly text?: string;
  readonly title?: string;
}

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  { class: className, text, title }: Attributes = {},
  children: readonly Node[] = [],
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className !== undefined) made.className = className;
  if (text !== undefined) made.textContent = text;
  if (title !== undefined) made.title = title;
  made.append(...children);
  return made;
}

/** Finds an element of the page's HTML. */
export function part<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${id}`);
}

/** Writes only a text that has changed, so that screen readers, selections and the layout are not disturbed. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Shows a list of terms, each with its present text. */
export function setTerms(list: HTMLElement, terms: readonly (readonly [term: string, text: string])[]): void {
  const wanted = terms.flatMap(([term, text]) => [term, text]);
  const known = [...list.children].map((child) => child.textContent);
  if (wanted.length === known.length && wanted.every((text, at) => text === known[at])) return;
  list.replaceChildren(...terms.flatMap(([term, text]) => [element('dt', { text: term }), element('dd', { text })]));
}
