/** Polls the admin API: one request at a time, and none while the page is hidden. */

export interface Listener<Reply> {
  readonly show: (reply: Reply) => void;
  /** Called with a sentence on why there is no reply. */
  readonly fail?: (why: string) => void;
}

/** Polls at once, after the question has changed. */
export type AskNow = () => void;

/** @param question called for each request: the path, with its query */
export function poll<Reply>(question: () => string, everyMs: number, { show, fail }: Listener<Reply>): AskNow {
  let timer: number | undefined;
  let asked = 0;

  const ask = async (): Promise<void> => {
    window.clearTimeout(timer);
    const number = ++asked;
    try {
      const reply = await fetch(question(), { signal: AbortSignal.timeout(10_000) });
      if (!reply.ok) throw new Error(`${question()} answered ${reply.status}: ${await reply.text()}`);
      const body = (await reply.json()) as Reply; // A test compares the server with the OpenAPI document.
      // A later request was sent meanwhile, so this reply is outdated.
      if (number === asked) show(body);
    } catch (cause) {
      if (number === asked) fail?.(cause instanceof Error ? cause.message : String(cause));
    }
    if (number === asked && !document.hidden) timer = window.setTimeout(askNow, everyMs);
  };
  const askNow = (): void => void ask();
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) askNow();
  });
  askNow();
  return askNow;
}
