/** The JSON Schema of a log line, for programs that read the log. */
import { COMMON_FIELDS, END_FIELDS, type Field, type Form, MESSAGE_FIELDS, TUNNEL_FIELDS } from './fields.ts';

/** Makes the JSON Schema (2020-12) of one line in the format `json`. */
export function logLineSchema(): Record<string, unknown> {
  const isLive = (name: string): boolean => !END_FIELDS.some((end) => end === name);
  const liveFields = Object.fromEntries(Object.entries(TUNNEL_FIELDS).filter(([name]) => isLive(name)));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A line of the log of Sallyport',
    oneOf: [
      line('A tunnel or a refusal, when it ends', { const: 'tunnel' }, TUNNEL_FIELDS, [
        ...OF_A_TUNNEL,
        'outcome',
        'reason',
      ]),
      line('A live tunnel, with log.progress: when it is up, and at each interval', LIVE, liveFields, OF_A_TUNNEL),
      line('A message in words', { not: { enum: ['tunnel', ...LIVE.enum] } }, MESSAGE_FIELDS, []),
    ],
  };
}

const OF_A_TUNNEL = ['id', 'listener', 'mode', 'client'] as const;
const LIVE = { enum: ['open', 'progress'] } as const;

function line(
  title: string,
  msg: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, Field>>,
  required: readonly string[],
): Record<string, unknown> {
  const properties = Object.entries({ ...COMMON_FIELDS, ...fields }).map(
    ([name, field]) => [name, part(field)] as const,
  );
  return {
    title,
    type: 'object',
    properties: { ...Object.fromEntries(properties), msg: { ...part(COMMON_FIELDS.msg), ...msg } },
    required: [...Object.keys(COMMON_FIELDS), ...required],
    additionalProperties: false,
  };
}

function part({ form, about, words }: Field): Record<string, unknown> {
  return { ...FORMS[form], ...(words && { enum: words }), description: about };
}

const FORMS: Readonly<Record<Form, Readonly<Record<string, unknown>>>> = {
  text: { type: 'string' },
  count: { type: 'integer', minimum: 0 },
  ms: { type: 'number', minimum: 0 },
  flag: { type: 'boolean' },
  texts: { type: 'array', items: { type: 'string' } },
  error: { type: 'object' },
};
