/** The functions of the addon, as `native/src/addon.cc` defines them. */
export interface Addon {
  /** Starts the data threads; '' when they run, otherwise why not. One at a time in each thread of Node.js. */
  start(threads: number, onEvents: () => void): string;
  /** Ends everything that is open, and joins the threads. Idempotent. */
  stop(): void;
  /** Opens a door; an errno of 0 means that it is open. `passed` is a descriptor to take over, or -1. */
  listen(
    listener: number,
    host: string,
    port: number,
    interception: number,
    passed: number,
  ): [errno: number, boundPort: number, boundHost: string];
  post(commands: Uint32Array, count: number): void;
  /** Copies whole events into `events`; how many words, 0 when none is left. */
  drain(events: Uint32Array): number;
  /** `pairs` must stay alive until {@link stop}. */
  addCounts(page: number, pairs: Float64Array): void;
  /** To a Unix socket; an errno, 0 when it was taken. */
  sendDatagram(path: string, text: string): number;
  /** Whether what is open keeps the process running. */
  keepAlive(wanted: boolean): void;
}
