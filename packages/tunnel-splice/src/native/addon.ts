/** The functions of the addon, as `native/src/addon.cc` defines them. */
export interface Addon {
  /** Starts the engine. Returns '' when it runs, otherwise why not. One engine at a time in each thread of Node.js. */
  start(threads: number, onEvents: () => void): string;
  /**
   * Sets the memory for commands. Its first word says how many words of commands follow, and is set to 0 once they are taken. They are
   * taken before each wait of the event loop, and after `onEvents`. The memory must stay alive until {@link stop}, or until other memory
   * is shared.
   */
  shareCommands(words: Uint32Array): void;
  /** Takes the commands now. */
  collect(): void;
  /** Joins the threads and ends everything that is open. The last events can still be drained. Idempotent. */
  halt(): void;
  /** Halts, and releases everything. Idempotent. */
  stop(): void;
  /**
   * Opens a listener; an errno of 0 means that it is open. `passed` is a descriptor to take over, or -1. `thread` is the only thread of
   * the listener, or -1: all threads serve it. `isBeside`: the port is shared with another listener. `first` is the number of the
   * first of the listeners that serve alike.
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
    first: number,
  ): [errno: number, boundPort: number, boundHost: string, ...descriptors: number[]];
  /** Lets other sockets of this user be bound to the port of this one (SO_REUSEPORT). */
  sharePort(descriptor: number): void;
  /** Copies whole events into `events`. Returns how many words, 0 when none is left. */
  drain(events: Uint32Array): number;
  /** `pairs` must stay alive until {@link stop}. */
  addCounts(page: number, pairs: Float64Array): void;
  /** Verdicts of earlier epochs are not repeated any more. */
  beginEpoch(epoch: number): void;
  /** 1 for a socket of IPv6 that takes IPv4 clients too. */
  isDualStack(descriptor: number): number;
  /** How many bytes sent on a connection its peer has not acknowledged. */
  countUnacked(descriptor: number): number;
  /** 1 where the peer's FIN has come, even behind unread bytes. */
  hasFin(descriptor: number): number;
  /** Leaves an urgent byte in its place in the stream (SO_OOBINLINE). */
  keepUrgentInline(descriptor: number): void;
  /**
   * Makes the kernel close a connection whose peer has vanished for so long: by keep-alive, or by TCP_USER_TIMEOUT where bytes are on
   * their way.
   */
  watchPeer(descriptor: number, seconds: number): void;
  /** Lifts TCP_USER_TIMEOUT for a peer that lives and has closed its window, or sets it again. */
  heedWindow(descriptor: number, seconds: number): void;
  /** Sets PR_SET_NO_NEW_PRIVS for every thread of the process, present and future. Returns an errno, 0 when it is done. */
  forbidNewPrivileges(): number;
  /** Asks the kernel for the right to dial from addresses of other machines. Returns an errno, 0 where there is the right. */
  tryForeignSource(): number;
  /** Sends a datagram to a Unix socket. Returns an errno, 0 when it was taken. */
  sendDatagram(path: string, text: string): number;
  /**
   * Starts a program. `args` begins with its name, `environment` has NAME=VALUE, and `descriptors` are what it gets from 4 on, -1 for none.
   * `channel` is where its descriptor 3 is read. It holds only where the errno is 0.
   */
  startChild(
    path: string,
    args: readonly string[],
    environment: readonly string[],
    descriptors: readonly number[],
  ): [errno: number, pid: number, channel: number];
  /** The status of waitpid(2) once this child has ended, and -1 before. */
  reapChild(pid: number): number;
  /** The IP addresses of all interfaces, also of those that are down or have no carrier. */
  machineAddresses(): [errno: number, ...addresses: string[]];
  /** Whether what is open keeps the process running. */
  keepAlive(wanted: boolean): void;
}
