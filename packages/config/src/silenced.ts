/** Warnings that the author of the file has accepted by a comment. */
import type { Position } from './problems.ts';

/** Says whether a warning about a place is silenced there. */
export type IsSilenced = (position: Position | undefined) => boolean;

const SILENCE = /(?:^|\s)#\s*sallyport-ignore\b/;

/** A comment `# sallyport-ignore` silences the warnings of its line, or of the next line if it stands alone. A reason may follow it. */
export function createIsSilenced(text: string): IsSilenced {
  const lines = text.split('\n');
  return (position) => {
    if (!position) return false;
    const [above = '', here = ''] = [lines[position.line - 2], lines[position.line - 1]];
    return SILENCE.test(here) || (SILENCE.test(above) && above.trimStart().startsWith('#'));
  };
}
