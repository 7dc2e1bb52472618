/** WebDriver BiDi (W3C): commands and events as JSON over one WebSocket. */
import { once } from 'node:events';
import { WebSocket } from 'undici';

type Fields = Readonly<Record<string, unknown>>;

interface Message {
  readonly type: 'success' | 'error' | 'event';
  readonly id?: number;
  readonly result?: Fields;
  readonly message?: string;
  readonly method?: string;
  readonly params?: Fields;
}

export interface Bidi {
  /** Rejects with the browser's own words where it refuses. */
  ask(method: string, params: Fields): Promise<Fields>;
  on(event: string, listener: (params: Fields) => void): void;
  close(): void;
}

export async function openBidi(url: string): Promise<Bidi> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, (message: Message) => void>();
  const listeners = new Map<string, (params: Fields) => void>();
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id === undefined) listeners.get(message.method ?? '')?.(message.params ?? {});
    else waiting.get(message.id)?.(message);
  });
  await once(socket, 'open');
  let lastId = 0;
  return {
    ask: async (method, params) => {
      const id = (lastId += 1);
      const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
      socket.send(JSON.stringify({ id, method, params }));
      const { type, result = {}, message = '' } = await answer;
      if (type === 'error') throw new Error(`${method}: ${message}`);
      return result;
    },
    on: (event, listener) => void listeners.set(event, listener),
    close: () => socket.close(),
  };
}
