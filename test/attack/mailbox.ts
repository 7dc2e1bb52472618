/** The messages of a child process, one after the other. */
import type { ChildProcess } from 'node:child_process';

export class Mailbox {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #messages: unknown[] = [];
  #wake: () => void = () => undefined;
  #take: ((message: unknown) => void) | undefined;
  #hasEnded = false;

  constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
    child.on('message', (message) => {
      if (this.#take) {
        this.#take(message);
        return;
      }
      this.#messages.push(message);
      this.#wake();
    });
    child.on('exit', () => {
      this.#hasEnded = true;
      this.#wake();
    });
  }

  /** The next message; rejects where the child ends, or says nothing for so long. */
  next<Message>(timeoutMs = 30_000): Promise<Message> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.#name} said nothing for ${timeoutMs} ms`)), timeoutMs);
      this.#wake = () => {
        const [message] = this.#messages.splice(0, 1);
        if (message === undefined && !this.#hasEnded) return;
        clearTimeout(timer);
        this.#wake = () => undefined;
        if (message === undefined) reject(new Error(`${this.#name} ended without a word`));
        else resolve(message as Message); // Both ends of the channel are ours.
      };
      this.#wake();
    });
  }

  /** From now on every message goes to `take`. */
  onMessage(take: (message: unknown) => void): void {
    this.#take = take;
  }

  tell(message: Readonly<Record<string, unknown>>): void {
    this.#child.send(message);
  }
}
