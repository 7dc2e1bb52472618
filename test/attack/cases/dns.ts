/** Names whose answers are large, or never come. */
import { call, crowd, firstWords } from '../client.ts';
import type { Case } from './all.ts';

let names = 0;

export const dnsCases: Readonly<Record<string, Case>> = {
  /** 4,000 addresses a name, another name each time. */
  'answers of 4,000 addresses':
    ({ ports }) =>
    () =>
      ask(ports['explicit'], `many-${names++}.test`),
  /** The same name again: what was kept of it must be of use. */
  'one answer of 4,000 addresses':
    ({ ports }) =>
    () =>
      ask(ports['explicit'], 'many-again.test'),
  'look-ups that nobody waits for':
    ({ ports }) =>
    async () => {
      const socket = await call(ports['explicit'] ?? 0, connectTo(`silent-${names++}.test`));
      socket.destroy();
    },
  'one client, 4,000 names at once':
    ({ ports }) =>
    () =>
      crowd(3900, () => call(ports['explicit'] ?? 0, connectTo(`silent-${names++}.test`)), 3000),
  'one client, 200,000 names':
    ({ ports }) =>
    async () => {
      await Promise.all(Array.from({ length: 20 }, () => ask(ports['explicit'], `n-${names++}.honest.test`)));
    },
};

async function ask(port = 0, name: string): Promise<void> {
  const socket = await call(port, connectTo(name));
  await firstWords(socket);
  socket.destroy();
}

function connectTo(name: string): string {
  return `CONNECT ${name}:9 HTTP/1.1\r\nHost: ${name}:9\r\n\r\n`;
}
