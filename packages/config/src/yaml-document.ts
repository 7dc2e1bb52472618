/** The file as YAML 1.2: nodes with their offsets, and the line and column of every offset. */
import { Composer, type CST, type ErrorCode, Lexer, LineCounter, type ParsedNode, Parser, type YAMLError } from 'yaml';
import type { LocatedProblem, Position } from './problems.ts';
import { type Steps, stepsOf } from './steps.ts';

/** How deep maps and lists may nest. The configuration needs eight. The composer is recursive, and its stack is limited. */
const DEPTH_LIMIT = 64;

/** A document, and the line and column of each offset. */
export interface ParsedDocument {
  readonly kind: 'ok';
  readonly root: ParsedNode;
  readonly positionAt: (offset: number) => Position;
}

/** A YAML document, or the places where the file is not YAML. */
export type YamlDocument = ParsedDocument | { readonly kind: 'invalid'; readonly problems: readonly LocatedProblem[] };

/** Parses a text as one YAML 1.2 document of the core schema. */
export function* parseYamlDocument(text: string): Steps<YamlDocument> {
  const lines = new LineCounter();
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return line === 0 ? { line: 1, column: 1 } : { line, column: col };
  };
  const invalid = (...found: readonly Found[]): YamlDocument => ({
    kind: 'invalid',
    problems: found.map(({ offset, message }) => ({
      severity: 'error',
      path: [],
      message,
      position: positionAt(offset),
    })),
  });

  // In two steps: the parser has a stack of its own, the composer uses JavaScript's.
  const tokens = yield* parseTokens(text, lines);
  const tooDeep = findTooDeep(tokens);
  if (tooDeep) return invalid({ offset: tooDeep.offset, message: `nests deeper than ${DEPTH_LIMIT} levels` });
  yield;
  const [document, second] = new Composer(OPTIONS).compose(tokens, true, text.length);
  yield;
  const [error] = document?.errors ?? [];
  // Only the first error: the later ones are mostly its consequences.
  if (error)
    return invalid(
      explainSpace(error, text) ??
        explainUnquoted(error, text) ??
        explainUnclosed(error, tokens, text) ??
        explainSyntaxError(error),
    );
  if (!document?.contents) return invalid({ offset: 0, message: 'the file is empty; it needs at least "listeners:"' });
  if (second) return invalid({ offset: second.range[0], message: 'a second document begins; remove the line "---"' });
  if (document.directives.yaml.version !== '1.2')
    return invalid({ offset: 0, message: 'only YAML 1.2 is read; remove "%YAML"' });
  if (document.warnings.length > 0) return invalid(...document.warnings.map(explainSyntaxError));
  return { kind: 'ok', root: document.contents, positionAt };
}

const LEXEMES_A_STEP = 128;

/** As `Parser.parse`, which has no steps. */
function* parseTokens(text: string, lines: LineCounter): Steps<readonly CST.Token[]> {
  const isStep = stepsOf(LEXEMES_A_STEP);
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (isStep()) yield;
  }
  tokens.push(...parser.end());
  return tokens;
}

interface Found {
  readonly offset: number;
  readonly message: string;
}

/**
 * Duplicate keys are found where keys are read: the composer compares every key with every other. Tags of YAML 1.1 make objects that are
 * no maps, as `!!timestamp`; the core schema of YAML 1.2 has none of them.
 */
const OPTIONS = {
  version: '1.2',
  schema: 'core',
  resolveKnownTags: false,
  uniqueKeys: false,
  prettyErrors: false,
} as const;

/** The first token that nests too deep, searched level by level. */
function findTooDeep(tokens: readonly CST.Token[]): CST.Token | undefined {
  let level = tokens;
  for (let depth = 0; depth <= DEPTH_LIMIT; depth += 1) level = level.flatMap(childrenOf);
  return level[0];
}

function childrenOf(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value ? [token.value] : [];
  if (!('items' in token)) return [];
  return token.items.flatMap(({ key, value }) => [key, value].filter((child) => child !== undefined && child !== null));
}

/** A space that is none for YAML, as it comes with text that is copied from a web page, where one has a meaning. */
function explainSpace({ pos: [offset] }: YAMLError, text: string): Found | undefined {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const [line = ''] = text.slice(start).split('\n', 1);
  const found = /(?<=^|[:,[{\s-])(?![ \t])[\p{Zs}\u200b\ufeff]/u.exec(line);
  if (!found) return undefined;
  const code = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return {
    offset: start + found.index,
    message: `a space that YAML does not know (U+${code}) stands here; write a plain one`,
  };
}

/** A value that YAML takes for something else, for it lacks its quotes. */
function explainUnquoted({ code, pos: [offset] }: YAMLError, text: string): Found | undefined {
  // `${NAME}` is plain text between lines, but within { } or [ ] its brace begins a map.
  if (text.slice(offset - 1, offset + 1) === '${')
    return { offset: offset - 1, message: 'within { } or [ ], a value with "${" in it needs quotes: "${NAME}"' };
  if (text.slice(offset - 1, offset + 1) === ']:')
    return { offset: text.lastIndexOf('[', offset), message: 'a value that begins with [ needs quotes: "[::]:3128"' };
  if (code === 'BAD_ALIAS' && text[offset] === '*')
    return { offset, message: 'a value that begins with * needs quotes' };
  return undefined;
}

/** What has a beginning and no end. The parser tells it at the end of the file. */
function explainUnclosed(
  { message, pos: [offset] }: YAMLError,
  tokens: readonly CST.Token[],
  text: string,
): Found | undefined {
  if (!/^Missing closing|end with a [\]}]$/.test(message)) return undefined;
  let last: Found | undefined;
  for (let level = tokens; level.length > 0; level = level.flatMap(childrenOf)) {
    for (const token of level) last = unclosed(token, offset) ?? last;
  }
  return last && { ...last, message: last.message + hintAtComment(text.slice(last.offset)) };
}

function hintAtComment(text: string): string {
  const [line = ''] = text.split('\n', 1);
  return /\s#/.test(line) ? '; " #" begins a comment, unless it is in quotes' : '';
}

function unclosed(token: CST.Token, end: number): Found | undefined {
  switch (token.type) {
    case 'single-quoted-scalar':
    case 'double-quoted-scalar':
      if (token.offset + token.source.length !== end) return undefined;
      return { offset: token.offset, message: 'this quote is never closed; close it where the value ends' };
    case 'flow-collection': {
      if (token.end.some(({ type }) => type === 'flow-map-end' || type === 'flow-seq-end')) return undefined;
      const { source } = token.start;
      return { offset: token.offset, message: `this ${source} is never closed; add ${source === '[' ? ']' : '}'}` };
    }
    default:
      return undefined;
  }
}

function explainSyntaxError({ code, message, pos }: YAMLError): Found {
  return {
    offset: pos[0],
    message: EXPLANATIONS.get(code) ?? `not YAML: ${message}; check indentation, commas and quotes`,
  };
}

/** Clearer messages for the parser's most common errors. */
const EXPLANATIONS: ReadonlyMap<ErrorCode, string> = new Map([
  ['TAB_AS_INDENT', 'a tab indents this line; indent with spaces'],
  ['TAG_RESOLVE_FAILED', 'a tag such as !name has no meaning here; remove it, or put the value in quotes'],
  ['BLOCK_IN_FLOW', 'within { } or [ ], a value that has ": " in it needs quotes'],
  ['BAD_SCALAR_START', 'a value cannot begin with this character; put it in quotes'],
  [
    'BLOCK_AS_IMPLICIT_KEY',
    'no key can begin here; check the indentation, and put a value that has ": " in it in quotes',
  ],
]);
