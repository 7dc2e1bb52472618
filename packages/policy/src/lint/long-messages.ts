/** Finds operators' messages that are too long for the status line of a refusal, the part that most programs show. */
import { DEFAULT_NAME, fillMessage, type PolicyConfig, type Problem, ruleName } from '@sallyport/config';
import { toPrintable } from '../wording/to-printable.ts';

/** How long the status line of a refusal may be. Programs that show nothing else of a refusal show this much. */
export const STATUS_LINE_BYTES = 200;

/** The part of it for the sentence. */
const SENTENCE_BYTES = STATUS_LINE_BYTES - 'HTTP/1.1 403 Forbidden ()'.length;

/** Common values; a destination's name is mostly shorter. */
const COMMON = { host: 'registry.packages.example.com', port: '443', id: 't6x8zr-1234', client: '10.20.30.40' };

/** Warns of each message that the status line would shorten in its middle. */
export function lintLongMessages({ message: closing, rules }: PolicyConfig): readonly Problem[] {
  const byDefault =
    closing === undefined ? undefined : `No rule allows ${COMMON.host}:${COMMON.port}. ${fill(closing, DEFAULT_NAME)}`;
  return [
    ...explain(byDefault, ['policy', 'message'], 'behind the sentence of the refusal'),
    ...rules.flatMap((rule, number) => {
      const { message } = rule;
      if (message === undefined) return [];
      const name = ruleName(rule, number);
      const own = fill(message, name);
      const path = ['policy', 'rules', number, 'message'] as const;
      if (closing === undefined || toPrintable(own).length > SENTENCE_BYTES)
        return explain(own, path, 'with its placeholders filled in');
      return explain(`${own}. ${fill(closing, name)}`, path, 'together with policy.message');
    }),
  ];
}

function fill(message: string, rule: string): string {
  return fillMessage(message, { ...COMMON, rule });
}

function explain(sentence: string | undefined, path: Problem['path'], how: string): readonly Problem[] {
  const length = sentence === undefined ? 0 : toPrintable(sentence).length;
  if (length <= SENTENCE_BYTES) return [];
  const message =
    `${how} this takes about ${length} bytes, and the status line has room for ${SENTENCE_BYTES}: its middle is left out ` +
    'there, and most programs show nothing else; shorten it';
  return [{ severity: 'warning', path, message }];
}
