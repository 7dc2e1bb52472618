/** Domain lines of ad blockers: `||name^` stands for the name and all names below it. */
import type { ListLine } from './list-line.ts';

/** Reads one line. Only whole domains are understood: a path, an option or an exception cannot be expressed by a name. */
export function readAdblockLine(text: string): ListLine {
  if (text.startsWith('!') || text.startsWith('[')) return [];
  const name = /^\|\|([^\s^$/*|]+)\^?$/.exec(text)?.[1];
  if (name !== undefined) return [name, `*.${name}`];
  if (text.startsWith('@@')) return { problem: 'is an exception, and a list of hosts has none; write another rule' };
  return { problem: 'is more than ||name^; only whole domains are understood' };
}
