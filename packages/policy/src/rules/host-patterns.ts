/** The patterns of `hosts`: an exact name, `*.suffix`, or `*`. */
import { domainToASCII } from 'node:url';
import { parseIp } from '@sallyport/addresses';
import { parseDestination } from '../destination.ts';

export type HostPattern =
  | { readonly kind: 'any' }
  | { readonly kind: 'exact'; readonly name: string }
  /** Any depth below the suffix, and not the suffix itself. */
  | { readonly kind: 'below'; readonly suffix: string };

export interface MalformedHostPattern {
  readonly kind: 'malformed';
  /** A sentence for the operator: what is wrong, and what to write instead. */
  readonly message: string;
}

/** Reads a pattern. Its name is made canonical by the code that reads clients' destinations. */
export function parseHostPattern(text: string): HostPattern | MalformedHostPattern {
  if (text === '*') return { kind: 'any' };
  if (text.length <= PLAIN_LENGTH && PLAIN.test(text)) return readPlain(text);
  if (text.length > LONGEST_QUOTED) return { kind: 'malformed', message: `${text.length} characters are no host name` };
  const isBelow = text.startsWith('*.');
  const parsed = parseDestination(isBelow ? text.slice(2) : text, 0);
  if (parsed.kind !== 'name') return { kind: 'malformed', message: explain(text, parsed) };
  return isBelow ? { kind: 'below', suffix: parsed.host } : { kind: 'exact', name: parsed.host };
}

/** The canonical spelling. */
export function patternText(pattern: HostPattern): string {
  switch (pattern.kind) {
    case 'any':
      return '*';
    case 'exact':
      return pattern.name;
    case 'below':
      return `*.${pattern.suffix}`;
  }
}

/** All patterns that match what this one does and more, in the canonical spelling. */
export function widerPatterns(pattern: HostPattern): readonly string[] {
  if (pattern.kind === 'any') return [];
  const labels = (pattern.kind === 'exact' ? pattern.name : pattern.suffix).split('.');
  return ['*', ...labels.slice(1).map((_, at) => `*.${labels.slice(at + 1).join('.')}`)];
}

/** So short that no label and no name can be too long (RFC 1123 §2.1). */
const PLAIN_LENGTH = 63;

const PLAIN_LABEL = '[a-z0-9_]+(?:-[a-z0-9_]+)*';

/**
 * A text that is canonical as it stands, as nearly all of a million lines are: lower case, no two hyphens in a row (as in an A-label), no
 * digit at the start of the last label (as in an IPv4 address).
 */
const PLAIN = new RegExp(`^(?:\\*\\.)?(?:${PLAIN_LABEL}\\.)*(?![0-9])${PLAIN_LABEL}$`);

function readPlain(text: string): HostPattern {
  return text.startsWith('*.') ? { kind: 'below', suffix: text.slice(2) } : { kind: 'exact', name: text };
}

/** Longer than any spelling of a name. Such a text is something else, and Punycode would take quadratic time for it. */
const LONGEST_QUOTED = 1_000;

function explain(text: string, parsed: Exclude<ReturnType<typeof parseDestination>, { kind: 'name' }>): string {
  const shown = JSON.stringify(text);
  if (ENDS_IN_NUMBER_BELOW.test(text)) return `${shown} is no host name: a host name does not end in a number`;
  if (parsed.kind === 'address' || isNetwork(text)) return `${shown} is an IP address or network; list it in networks`;
  if (text.slice(1).includes('*') || /^\*[^.]/.test(text)) {
    return `${shown} has a * where none may be; write a name, *.suffix, or * alone`;
  }
  if (/^\.[^.]/.test(text)) return `${shown} starts with a dot; write *${text} for all names below it`;
  if (text.includes('/')) return `${shown} is no host name; write the name alone, without scheme or path`;
  if (/^[^:]+:[0-9]+$/.test(text)) return `${shown} has a port; write the name alone, and list the port in ports`;
  const unquoted = text.replaceAll(CURLY_QUOTES, '');
  if (unquoted !== text) return `${shown} has quotes that YAML takes for letters; write "${unquoted}"`;
  const ascii = domainToASCII(text);
  if (NOT_ASCII.test(text) && parseHostPattern(ascii).kind !== 'malformed')
    return `${shown} is not in ASCII; write ${ascii}`;
  return `${shown} is no host name: ${parsed.why}`;
}

/** No address has names below it, in whatever spelling. */
const ENDS_IN_NUMBER_BELOW = /^\*\.(?:[^*]*\.)?[0-9]+\.?$/;

/** Word processors and web pages put them in the place of straight ones. */
const CURLY_QUOTES = /[\u2018-\u201f]/gu;

/** `domainToASCII` drops tabs and line breaks, too. */
const NOT_ASCII = /\P{ASCII}/u;

function isNetwork(text: string): boolean {
  return parseIp(text.replace(/\/[0-9]+$/, '')) !== undefined;
}
