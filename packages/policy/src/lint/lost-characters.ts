/** Finds operators' messages in letters that the status line of a refusal, the part that most programs show, has not got. */
import type { PolicyConfig, Problem } from '@sallyport/config';
import { losesCharacters, toPrintable } from '../wording/to-printable.ts';

/** Warns of each message that would have question marks in the status line. Letters that only lose their accents can be read. */
export function lintLostCharacters({ message: closing, rules }: PolicyConfig): readonly Problem[] {
  return [
    ...explain(closing, ['policy', 'message']),
    ...rules.flatMap(({ message }, number) => explain(message, ['policy', 'rules', number, 'message'])),
  ];
}

function explain(message: string | undefined, path: Problem['path']): readonly Problem[] {
  if (message === undefined || !losesCharacters(message)) return [];
  const why =
    `the status line is in ASCII, where this reads ${JSON.stringify(cut(toPrintable(message)))}, and most programs show nothing else; ` +
    'write it in letters of ASCII';
  return [{ severity: 'warning', path, message: why }];
}

/** Enough of it to see what is lost. */
const SHOWN_CHARACTERS = 60;

function cut(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}...`;
}
