import { vi } from 'vitest';
import type { Command } from '../../src/command-line.ts';

/** What a command prints, and its exit code, without a process of its own: there are many to be run. */
export async function runCommand(
  command: Command,
  options: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly printed: string }> {
  let printed = '';
  const print = (text: string | Uint8Array, written?: BufferEncoding | ((error?: Error | null) => void)): boolean => {
    printed += String(text);
    if (typeof written === 'function') written();
    return true;
  };
  const streams = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(print));
  try {
    return { code: await command.execute(options, {}), printed };
  } finally {
    for (const stream of streams) stream.mockRestore();
  }
}
