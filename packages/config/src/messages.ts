/** Sentences of the operator for clients: `message` of a rule and of the policy. */
import { didYouMean } from './suggest.ts';
import { ok, type Read } from './units.ts';

/** The names allowed in `{name}`. */
export const PLACEHOLDERS = ['host', 'port', 'rule', 'id', 'client'] as const;

/** A value for each placeholder. */
export type MessageValues = Readonly<Record<(typeof PLACEHOLDERS)[number], string>>;

/** `${` is text here: in the file it is written `$${`, and a reference to the environment is expanded by now. */
const PLACEHOLDER = /(?<!\$)\{([^{}]*)\}/g;

const LONGEST_MESSAGE = 300;

/** Checks a sentence. It must be one line without control characters, for it is sent in a head and written to the log. */
export function readMessage(text: string): Read<string> {
  if (text.trim() === '' || text.length > LONGEST_MESSAGE) {
    return { kind: 'malformed', why: `expected a sentence of 1 to ${LONGEST_MESSAGE} characters, got ${text.length}` };
  }
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text.trim())) {
    return { kind: 'malformed', why: 'a message is one line without control characters; write it in one' };
  }
  const names = [...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
  const unknown = [...new Set(names)].filter((name) => !isPlaceholder(name));
  return unknown.length === 0 ? ok(text.trim()) : { kind: 'malformed', why: explainUnknown(unknown) };
}

/** Fills the placeholders of a checked sentence. */
export function fillMessage(message: string, values: MessageValues): string {
  return message.replace(PLACEHOLDER, (text, name: string) => (isPlaceholder(name) ? values[name] : text));
}

function isPlaceholder(name: string): name is (typeof PLACEHOLDERS)[number] {
  return (PLACEHOLDERS as readonly string[]).includes(name);
}

function explainUnknown(names: readonly string[]): string {
  const [first = '', ...more] = names;
  const known = `; known are ${PLACEHOLDERS.map(inBraces).join(', ')}`;
  if (more.length > 0) return `unknown placeholders ${names.map(inBraces).join(', ')}${known}`;
  return `unknown placeholder {${first}}${didYouMean(first, PLACEHOLDERS) || known}`;
}

function inBraces(name: string): string {
  return `{${name}}`;
}
