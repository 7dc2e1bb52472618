/** What a command prints, on standard output and standard error. */
import { EXIT, FatalError } from './exit.ts';

/**
 * Resolves once the text is written. A reader that has left, as `head` does, is no failure: the command goes on, and its exit code is that
 * of its answer. Rejects with a FatalError where the text cannot be written, as on a full disk.
 */
export async function print(text: string): Promise<void> {
  const error = await writeTo(process.stdout, text);
  if (error === undefined || error.code === 'EPIPE') return;
  throw new FatalError(
    `standard output cannot be written (${error.code ?? error.message}); what was printed is not whole`,
    EXIT.failure,
    error,
  );
}

/** Each line with its line break. */
export function toText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** A message about an argument or the name of a file, which may have any characters. What escapes them is loaded only where there are any. */
export async function inOneLine(message: string): Promise<string> {
  if (/^[ -~]*$/.test(message)) return message;
  const { escapeControls } = await import('@sallyport/config');
  return escapeControls(message);
}

/** Where standard error cannot be written, nobody can be told. */
export async function printError(text: string): Promise<void> {
  await writeTo(process.stderr, text);
}

function writeTo(stream: NodeJS.WriteStream, text: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    // The stream reports an error to the callback, and once more as an event, which without a listener ends the process with a stack trace.
    stream.off('error', ignore).on('error', ignore);
    stream.write(text, (error) => resolve(error ?? undefined));
  });
}

function ignore(): void {
  // The callback has it.
}
