/** The functions of the addon, as `native/src/addon.cc` defines them. */
export interface Addon {
  /** Starts the engine; '' when it runs, otherwise why not. One at a time in each thread of Node.js. */
  start(threads: number, onEvents: () => void): string;
  /**
   * Where commands are left: the first word says how many words of them follow, and is 0 again once they are taken. That happens before
   * each wait of the event loop, and after `onEvents`. The memory must stay alive until {@link stop}, or until other memory is shared.
   */
  shareCommands(words: Uint32Array): void;
  /** Takes the commands that were left, now. */
  collect(): void;
  /** Joins the threads and ends everything that is open; the last events are still to be drained. Idempotent. */
  halt(): void;
  /** Halts, and gives everything back. Idempotent. */
  stop(): void;
  /**
   * Opens a door; an errno of 0 means that it is open. `passed` is a descriptor to take over, or -1; `thread` has the door to itself, or
   * -1: all of them have it. `isBeside`: another door, whose port was shared, is in its place.
   */
  listen(
    listener: number,
    host: string,
    port: number,
    interception: number,
    passed: number,
    thread: number,
    isDualStack: boolean,
    isBeside: boolean,
  ): [errno: number, boundPort: number, boundHost: string, ...descriptors: number[]];
  /** Other sockets of this user may be bound to the port of this one (SO_REUSEPORT). */
  sharePort(descriptor: number): void;
  /** Copies whole events into `events`; how many words, 0 when none is left. */
  drain(events: Uint32Array): number;
  /** `pairs` must stay alive until {@link stop}. */
  addCounts(page: number, pairs: Float64Array): void;
  /** 1 for a socket of IPv6 that takes IPv4 clients too. */
  isDualStack(descriptor: number): number;
  /** How much of what was sent on a connection its peer has not acknowledged. */
  countUnacked(descriptor: number): number;
  /** 1 where its peer's FIN is there, though it may lie behind bytes that nobody has read. */
  hasFin(descriptor: number): number;
  /** An urgent byte stays in its place in the stream. */
  keepUrgentInline(descriptor: number): void;
  /** The kernel gives a peer up that has vanished for so long: by keep-alive, or by TCP_USER_TIMEOUT where bytes are under way. */
  watchPeer(descriptor: number, seconds: number): void;
  /** Lifts TCP_USER_TIMEOUT from a peer that lives and has closed its window, or sets it again. */
  heedWindow(descriptor: number, seconds: number): void;
  /** Of every thread of the process, and of those to come (PR_SET_NO_NEW_PRIVS); an errno, 0 when it is done. */
  forbidNewPrivileges(): number;
  /** To a Unix socket; an errno, 0 when it was taken. */
  sendDatagram(path: string, text: string): number;
  /** Whether what is open keeps the process running. */
  keepAlive(wanted: boolean): void;
}
