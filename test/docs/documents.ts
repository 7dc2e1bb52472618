/** The documents for users, and the blocks between fences in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that all documents are named from. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** All of them: at the top, and beside the configurations. */
export const documents: readonly string[] = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'configs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('configs', name)),
];

/** What stands between two fences. */
export interface Block {
  /** `README.md:37`: where its text begins. */
  readonly place: string;
  /** What the fence says: `sh`, `yaml`, `json`, or nothing. */
  readonly language: string;
  /** Without the indentation that a list gives it. */
  readonly text: string;
}

/** The blocks of a document, in order. */
export function blocksOf(document: string): readonly Block[] {
  const whole = readFileSync(join(root, document), 'utf8');
  return [...whole.matchAll(/^( *)```(\w*)\n([^]*?)^\1```$/gm)].map((found) => {
    const [, indentation = '', language = '', text = ''] = found;
    const line = whole.slice(0, found.index).split('\n').length + 1;
    return { place: `${document}:${line}`, language, text: text.replaceAll(new RegExp(`^${indentation}`, 'gm'), '') };
  });
}

/** A command of a block. */
export interface Command {
  readonly place: string;
  /** As a user copies it, comment included. */
  readonly text: string;
  /** What the document shows that it prints, where it shows that. */
  readonly output?: string;
}

/** The commands of a block: each of an `sh` block, and those after `$ ` where a block shows their output too. */
export function commandsOf({ place, language, text }: Block): readonly Command[] {
  if (language === '' && text.startsWith('$ '))
    return text
      .split(/^\$ /m)
      .slice(1)
      .map((session) => {
        const [command = '', ...output] = session.split('\n');
        return { place, text: command, output: output.join('\n') };
      });
  if (language !== 'sh') return [];
  const lines = text.replaceAll(/\\\n */g, '').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => ({ place, text: line }));
}
