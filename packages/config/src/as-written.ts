/** Keeps values of the environment, which may be secrets, out of messages: they show the text of the file instead. */
import { domainToASCII } from 'node:url';
import { MAX_NAME_LENGTH, readLegacyIpv4 } from '@sallyport/addresses';
import { readNetwork } from './addresses.ts';
import type { ConfigPath } from './problems.ts';

/** A text with references to the environment, before and after their expansion. */
export interface Expansion {
  readonly written: string;
  readonly expanded: string;
}

/** Replaces expanded values in a message by the text of the file. */
export type AsWritten = (message: string) => string;

/** Shorter values occur more often as parts of other words than as secrets. */
const SHORTEST = 3;

/**
 * Makes the last filter for every message about a configuration. Problems of the schema contain no value of the environment anyway (see
 * {@link showAsWritten}). Messages about other sections, files or sockets may.
 */
export function createAsWritten(expansions: readonly Expansion[]): AsWritten {
  const written = new Map<string, string>();
  for (const { expanded, written: text } of expansions) {
    for (const form of formsOf(expanded)) if (form.length >= SHORTEST) written.set(form.toLowerCase(), text);
  }
  if (written.size === 0) return (message) => message;
  // The longest first: one may be part of another.
  const forms = [...written.keys()].sort((a, b) => b.length - a.length).map(escapeRegExp);
  const pattern = new RegExp(`(?<![\\w.-])(?:${forms.join('|')})(?![\\w-]|\\.\\w)`, 'gi');
  return (message) => message.replaceAll(pattern, (found) => written.get(found.toLowerCase()) ?? found);
}

/** The value as it is, in JSON, and in each spelling that a message has of it: as a network, an address or a name. */
function formsOf(expanded: string): readonly string[] {
  const network = readNetwork(expanded, []);
  const spellings = [
    network.kind === 'ok' ? network.value : undefined,
    readLegacyIpv4(expanded)?.text,
    nameOf(expanded),
  ];
  const found = spellings.filter((spelling) => spelling !== undefined);
  return [expanded, JSON.stringify(expanded).slice(1, -1), ...found];
}

/** In A-labels, without the root's dot. */
function nameOf(text: string): string | undefined {
  // Punycode takes quadratic time.
  if (text.length > MAX_NAME_LENGTH) return undefined;
  return domainToASCII(text).replace(/\.$/, '');
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

interface Told {
  readonly path: ConfigPath;
  readonly message: string;
}

/** The values of one file, before and after the expansion of its variables. */
export interface BothValues {
  readonly expanded: unknown;
  readonly written: unknown;
}

/**
 * Replaces messages about expanded values by the messages of the same check about the text as written.
 * @param again finds the problems of the values as written; called only where needed
 */
export function showAsWritten<Problem extends Told>(
  problems: readonly Problem[],
  { expanded, written }: BothValues,
  again: (value: unknown) => readonly Told[],
): readonly Problem[] {
  const isExpanded = ({ path }: Told): boolean => !isSame(valueAt(expanded, path), valueAt(written, path));
  if (!problems.some(isExpanded)) return problems;
  const instead = new Map(again(written).map(({ path, message }) => [JSON.stringify(path), message]));
  return problems.map((problem) => {
    if (!isExpanded(problem)) return problem;
    const told = instead.get(JSON.stringify(problem.path));
    // It has nothing of the value, such as that a key beside it is unknown.
    if (told === problem.message) return problem;
    const message =
      told ??
      (showsNothingOf(valueAt(expanded, problem.path), problem.message)
        ? problem.message
        : 'what it expands to does not fit here');
    return { ...problem, message: `${message}; what its variables stand for is not shown` };
  });
}

/** Whether no word of a value is in a message, as of an empty one. */
function showsNothingOf(value: unknown, message: string): boolean {
  const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const told = new Set(wordsOf(message));
  return !wordsOf(JSON.stringify(value ?? null)).some((word) => told.has(word));
}

function valueAt(value: unknown, path: ConfigPath): unknown {
  let at = value;
  for (const step of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, step) : undefined;
  return at;
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
