/** A small chart of the last fifteen minutes: a line over an area, in SVG. A text describes it. */
import { element, setText } from './dom.ts';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 100;
/** As many as the server keeps. */
const POINTS = 180;

export interface Chart {
  readonly figure: HTMLElement;
  /** @param values the oldest first; there are fewer after a recent start */
  show(values: readonly number[], now: string): void;
}

/** @param spell formats the highest value */
export function createChart(title: string, spell: (value: number) => string): Chart {
  const now = element('strong');
  const drawing = document.createElementNS(SVG, 'svg');
  drawing.setAttribute('class', 'chart');
  drawing.setAttribute('viewBox', `0 0 ${POINTS} ${HEIGHT}`);
  drawing.setAttribute('preserveAspectRatio', 'none');
  drawing.setAttribute('role', 'img');
  const ground = shape('path', 'ground');
  ground.setAttribute('d', `M0 ${HEIGHT}H${POINTS}`);
  const area = shape('path', 'area');
  const line = shape('path', 'line');
  drawing.append(area, ground, line);
  const caption = element('figcaption', {}, [element('span', { text: title }), now]);
  return {
    figure: element('figure', {}, [caption, drawing]),
    show(values, text) {
      setText(now, text);
      const highest = Math.max(0, ...values);
      const d = pathOf(values, highest);
      line.setAttribute('d', d);
      area.setAttribute('d', d === '' ? '' : `${d}V${HEIGHT}H${POINTS - values.length}Z`);
      const words = `${title}: ${text}; at most ${spell(highest)} in the last 15 minutes`;
      drawing.setAttribute('aria-label', words);
      caption.title = words;
    },
  };
}

function pathOf(values: readonly number[], highest: number): string {
  const left = POINTS - values.length;
  const points = values.map((value, at) => {
    const y = highest === 0 ? HEIGHT : HEIGHT - (value / highest) * (HEIGHT - 4);
    return `${left + at + 1} ${Math.round(y * 10) / 10}`;
  });
  return points.length === 0 ? '' : `M${points.join('L')}`;
}

function shape(tag: 'path', className: string): SVGPathElement {
  const made = document.createElementNS(SVG, tag);
  made.setAttribute('class', className);
  return made;
}
