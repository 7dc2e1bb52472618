/** Crowds of clients in a process of their own, so that what they cost is not measured as what the proxy costs. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A message from a load process, as it was sent. */
export type LoadMessage = Readonly<Record<string, unknown>>;

export interface Load {
  readonly process: ChildProcess;
  /** The next message that was not handed out yet; rejects when the process ends first, or after `timeoutMs`. */
  next(timeoutMs?: number): Promise<LoadMessage>;
  tell(message: LoadMessage): void;
  /** Kills it, as a crash would: none of its sockets is closed by its own hand. */
  kill(): void;
}

/** Starts one of the programs in `test/e2e/hostile/load` with `options` as its one argument. */
export function startLoad(program: string, options: LoadMessage = {}): Load {
  const file = fileURLToPath(new URL(`../hostile/load/${program}.js`, import.meta.url));
  const child = fork(file, [JSON.stringify(options)], { execArgv: [] });
  const messages: LoadMessage[] = [];
  const waiting = new Set<() => void>();
  let hasEnded = false;
  const wake = (): void => [...waiting].forEach((check) => check());
  child.on('message', (message) => {
    if (typeof message === 'object') messages.push(Object.fromEntries(Object.entries(message)));
    wake();
  });
  child.on('exit', () => {
    hasEnded = true;
    wake();
  });
  const next = (timeoutMs = 30_000): Promise<LoadMessage> =>
    new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        waiting.delete(check);
        finish();
      };
      const check = (): void => {
        const message = messages.shift();
        if (message) settle(() => resolve(message));
        else if (hasEnded) settle(() => reject(new Error(`the load process ${program} ended without a word`)));
      };
      const timer = setTimeout(
        () => settle(() => reject(new Error(`no word from the load process ${program} in ${timeoutMs} ms`))),
        timeoutMs,
      );
      waiting.add(check);
      check();
    });
  return {
    process: child,
    next,
    tell: (message) => void child.send(message),
    kill: () => void child.kill('SIGKILL'),
  };
}
