/** The manual pages: sallyport(8) from the program's help, sallyport.yaml(5) from the schema of its configuration. */
import type { ProgramHelp } from './help.ts';
import { schemaEntries } from './schema-entries.ts';

/** File name to text, for the folder `man`. */
export function manualPages(help: ProgramHelp, epochSeconds: number): Readonly<Record<string, string>> {
  const day = new Date(epochSeconds * 1000).toISOString().slice(0, 10);
  const title = (name: string, section: number): string =>
    `.TH ${name} ${section} ${day} "sallyport ${help.version}" "System administration"`;
  return {
    'sallyport.8': lines(title('SALLYPORT', 8), ...programPage(help)),
    'sallyport.yaml.5': lines(title('SALLYPORT.YAML', 5), ...configurationPage(help)),
  };
}

function programPage({ about, commands }: ProgramHelp): readonly string[] {
  return [
    '.SH NAME',
    `sallyport \\- ${escape(about.replace(/^Sallyport: |\.$/g, ''))}`,
    '.SH SYNOPSIS',
    '.B sallyport',
    '.I COMMAND',
    '[\\fIOPTIONS\\fR]',
    '.SH DESCRIPTION',
    'A forward proxy with two doors and one policy. The explicit door serves CONNECT; the transparent door reads the server name of a',
    'ClientHello. Neither decrypts. One file says which doors are open and who may reach what; see',
    '.BR sallyport.yaml (5).',
    '.SH COMMANDS',
    ...commands.flatMap(({ usage, summary, options, details }) => [
      '.SS',
      escape(usage),
      escape(summary),
      ...options.flatMap((option) => [
        '.TP',
        `\\fB\\-\\-${escape(option.name)}\\fR \\fI${escape(option.value)}\\fR`,
        escape(option.about),
      ]),
      '.PP',
      ...details.split('\n').flatMap(detailLine),
    ]),
    '.SH EXIT STATUS',
    '0: success. 1: a failure at run time. 2: wrong usage, or an error in the configuration. 3: explain, for what is denied.',
    '.SH FILES',
    '.TP',
    '.I /etc/sallyport/sallyport.yaml',
    'The configuration that the service reads.',
    '.SH SEE ALSO',
    '.BR sallyport.yaml (5)',
  ];
}

/** roff fills lines, so what stands in columns, or is a line to copy, says so. */
function detailLine(line: string): readonly string[] {
  if (line === '') return ['.PP'];
  const [, term, about] = /^ {2}(\S.*?) {2,}(\S.*)$/.exec(line) ?? [];
  if (term !== undefined && about !== undefined) return ['.TP', `\\fB${escape(term)}\\fR`, escape(about)];
  return line.startsWith('  ') ? ['.RS', '.nf', escape(line.trim()), '.fi', '.RE'] : [escape(line)];
}

function configurationPage({ schema }: ProgramHelp): readonly string[] {
  return [
    '.SH NAME',
    'sallyport.yaml \\- configuration of sallyport',
    '.SH DESCRIPTION',
    'YAML 1.2. A key that is not listed here is an error. ${VAR} and ${VAR:\\-default} in values stand for the environment. Durations are written',
    '500ms, 10s, 5m, 1h; sizes 64KiB, 1MiB. A file is tried with',
    '.BR "sallyport check \\-\\-config \\fIFILE\\fR" .',
    '.SH KEYS',
    ...schemaEntries(schema).flatMap(({ path, type, fallback, about }) => [
      '.TP',
      `\\fB${escape(path)}\\fR${type && ` (${escape(type)})`}`,
      ...[about, fallback && `Default: ${fallback}.`].filter(Boolean).map(escape),
    ]),
    '.SH SEE ALSO',
    '.BR sallyport (8)',
  ];
}

/** A line of text for roff, with nothing in it that roff would execute. */
function escape(text: string): string {
  const plain = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...').replaceAll("'", '\\(aq');
  return plain.startsWith('.') ? `\\&${plain}` : plain;
}

function lines(...all: readonly string[]): string {
  return `${all.filter((line) => line !== '').join('\n')}\n`;
}
