/** The connections of attackers: they send bytes, and may not read the answer. */
import { connect, type Socket } from 'node:net';

export interface CallOptions {
  /** On loopback; attackers of one address share a limit. */
  readonly from?: string;
  /** Never read: the answer stays in the kernel. */
  readonly isDeaf?: boolean;
}

/** Connects and says it. An error is the end of the socket and of nothing else. */
export async function call(port: number, says: string | Uint8Array, options: CallOptions = {}): Promise<Socket> {
  const { from = '127.0.0.1', isDeaf = false } = options;
  const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true });
  socket.on('error', () => socket.destroy());
  if (isDeaf) socket.pause();
  else socket.on('data', () => undefined);
  socket.write(typeof says === 'string' ? Buffer.from(says, 'latin1') : says);
  if (socket.connecting) {
    await new Promise<void>((resolve) => {
      socket.once('connect', () => resolve());
      socket.once('close', () => resolve());
    });
  }
  return socket;
}

/** Waits until the other side has said something or is gone; the first words, or nothing. */
export async function firstWords(socket: Socket, timeoutMs = 3000): Promise<string> {
  if (socket.destroyed) return '';
  const heard = new Promise<string>((resolve) => {
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')));
    socket.once('close', () => resolve(''));
    socket.setTimeout(timeoutMs, () => resolve(''));
  });
  return heard;
}

/** Writes the same for so long, as fast as it is taken. */
export async function pour(socket: Socket, bytes: Uint8Array, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds;
  let resume: () => void = () => undefined;
  socket.on('drain', () => resume());
  socket.on('close', () => resume());
  while (!socket.destroyed && performance.now() < deadline) {
    if (socket.write(bytes)) await new Promise((resolve) => setImmediate(resolve));
    else await until(deadline, new Promise<void>((resolve) => (resume = resolve)));
  }
}

/** Settles as the work does, or at the deadline. */
export async function until(deadline: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadline - performance.now()));
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** So many at once, again and again with every round; they are gone when it ends. */
export async function crowd(count: number, open: (at: number) => Promise<Socket>, holdMs: number): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: count }, (_, at) => open(at)));
  await new Promise((resolve) => setTimeout(resolve, holdMs));
  for (const socket of sockets) socket.destroy();
}
