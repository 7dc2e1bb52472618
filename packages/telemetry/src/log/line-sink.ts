/**
 * Writes log lines to stdout or a file, without ever waiting.
 *
 * The sink is our own because the known libraries have faults that matter to a proxy. A write that blocks, even on its own thread, keeps
 * the process from exiting. sonic-boom's last flush loops for ever on EPIPE. A failed reopen makes it close a descriptor twice, which by
 * then may be a client's. And it drops lines without a report.
 */
import { write, writeSync } from 'node:fs';
import { countLines, fromLineStart, GatheredBytes } from './gathered-bytes.ts';
import { areSameFile, type Descriptor, isAt, open, release } from './log-descriptor.ts';
import { CLOSE_DEADLINE_MS, type LogSink, type WrittenLine } from './sink.ts';

/**
 * How many bytes may wait while a write is under way; as many again are in that write. Above it lines are dropped. That is room for the
 * lines of all tunnels that `limits.tunnels` allows at first: a drain or a lost parent may end them in one turn of the event loop, in which
 * no reader is fast enough.
 */
const QUEUE_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * How long to wait for a slow reader or a full disk: from 1 ms, so that a pipe of 64 KiB still carries tens of MiB a second, doubled up
 * to this.
 */
const LONGEST_RETRY_MS = 128;

/**
 * How long lines gather before they are written together. Each write goes to a thread and back: at thousands of tunnels a second, one for
 * each turn of the event loop costs ten times what the lines themselves do.
 */
const GATHER_MS = 10;

/** How often a FIFO whose reader has left is tried again, in milliseconds. */
const LOOK_FOR_READER_MS = 1_000;

/** How a line is written for people, its newline included. */
export type Presenter = (line: WrittenLine) => string;

export interface LineSinkOptions {
  /** Left out: the JSON unchanged. */
  readonly present?: Presenter | undefined;
  /** Called with the number of lost lines, once lines can be written again. */
  readonly onDropped: (count: number) => void;
}

/** `broken`: there is no reader any more (EPIPE), so nothing is kept. A FIFO may get another. */
type State = 'idle' | 'scheduled' | 'writing' | 'waiting' | 'broken' | 'closed';

/** Owns a descriptor until `close`. Lines are written whole and in order, in batches. */
export class LineSink implements LogSink {
  /** Replaced by a reload. */
  present: Presenter | undefined;
  #file: string | null;
  readonly #onDropped: (count: number) => void;
  #descriptor: Descriptor;
  /** Opened by `reopen` while a write to the old one was under way. */
  #successor: Descriptor | undefined;
  #state: State = 'idle';
  readonly #queue = new GatheredBytes(QUEUE_LIMIT_BYTES);
  #batch: Buffer = NOTHING;
  /** The batch before any of it was written. */
  #wholeBatch: Buffer = NOTHING;
  #gathering: NodeJS.Timeout | undefined;
  #dropped = 0;
  #linesDropped = 0;
  #retryMs = 1;
  #looksAgainAt = -Infinity;
  #onSettled: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Throws the system's error where the file can't be opened.
   * @param file null: stdout
   */
  constructor(file: string | null, { present, onDropped }: LineSinkOptions) {
    this.#file = file;
    this.present = present;
    this.#onDropped = onDropped;
    this.#descriptor = open(file);
    process.on('exit', this.#writeRest);
  }

  get linesDropped(): number {
    return this.#linesDropped;
  }

  write(line: WrittenLine): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'broken') this.#lookForReader();
    if (this.#state === 'broken' || !this.#gather(line)) {
      this.#lose(1);
      return;
    }
    if (this.#state === 'idle') this.#schedule();
  }

  /**
   * Opens the file's path again, after a rotation renamed it; false on stdout, which has none. Throws the system's error, and then
   * continues with the old file.
   */
  reopen(): boolean {
    if (this.#file === null) return false;
    this.#goOnIn(this.#file);
    return true;
  }

  /** Whether lines go to a file that was renamed or removed. */
  get isAway(): boolean {
    return this.#file !== null && this.#state !== 'closed' && !isAt(this.#file, this.#successor ?? this.#descriptor);
  }

  /** Continues in another file, or on stdout. Throws the system's error, and then continues as before. */
  redirect(file: string | null): void {
    if (file !== this.#file) this.#goOnIn(file);
  }

  #goOnIn(file: string | null): void {
    if (this.#state === 'closed') return;
    const opened = open(file);
    this.#file = file;
    // Gathered lines are older than the change, and belong to the old file.
    if (this.#state === 'scheduled') this.#writeNow();
    if (this.#successor) release(this.#successor);
    this.#successor = opened;
    if (this.#state !== 'writing') this.#succeed();
    if (this.#state === 'broken') this.#state = 'idle';
  }

  /** Writes what is left, waits up to a second for a slow reader, and closes the descriptor. Later lines are ignored. */
  close(): Promise<void> {
    this.#closing ??= this.#settled().then(() => {
      process.off('exit', this.#writeRest);
      const isWriting = this.#state === 'writing';
      this.#state = 'closed';
      if (!isWriting) release(this.#descriptor);
    });
    return this.#closing;
  }

  /** Without a reader, opening a FIFO is an error (ENXIO). A pipe on stdout never gets another. */
  #lookForReader(): void {
    const now = performance.now();
    if (this.#file === null || now < this.#looksAgainAt) return;
    this.#looksAgainAt = now + LOOK_FOR_READER_MS;
    try {
      this.#goOnIn(this.#file);
    } catch {
      // It stays broken, and lines are counted as lost.
    }
  }

  #lose(lines: number): void {
    this.#dropped += lines;
    this.#linesDropped += lines;
  }

  #gather(line: WrittenLine): boolean {
    if (!this.present) return this.#queue.add(line.bytes, line.length);
    const bytes = Buffer.from(this.present(line));
    return this.#queue.add(bytes, bytes.length);
  }

  readonly #writeBatch = (): void => {
    clearTimeout(this.#gathering);
    if (this.#state === 'closed') return;
    if (this.#batch.length === 0) {
      this.#takeBatch();
      this.#reportDropped();
    }
    if (this.#batch.length === 0) {
      this.#state = 'idle';
      this.#onSettled?.();
      return;
    }
    this.#state = 'writing';
    write(this.#descriptor.fd, this.#batch, this.#written);
  };

  readonly #written = (error: NodeJS.ErrnoException | null, writtenBytes: number): void => {
    if (this.#state === 'closed') {
      this.#succeed();
      release(this.#descriptor);
      return;
    }
    if (error && !this.#successor) {
      this.#pause(error);
      return;
    }
    if (!error) this.#batch = this.#batch.subarray(writtenBytes);
    this.#retryMs = 1;
    this.#succeed();
    const isUrgent = this.#batch.length > 0 || this.#queue.length === 0 || this.#onSettled !== undefined;
    if (isUrgent) this.#writeBatch();
    else this.#schedule();
  };

  #schedule(): void {
    this.#state = 'scheduled';
    // It delays no exit: gathered lines are written there.
    this.#gathering = setTimeout(this.#writeBatch, GATHER_MS).unref();
  }

  #pause(error: NodeJS.ErrnoException): void {
    if (error.code !== 'EPIPE') {
      this.#state = 'waiting';
      setTimeout(this.#writeBatch, this.#retryMs).unref();
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
      return;
    }
    this.#state = 'broken';
    this.#lose(countLines(this.#batch) + countLines(this.#queue.take()));
    this.#batch = NOTHING;
    this.#onSettled?.();
  }

  #takeBatch(): void {
    this.#wholeBatch = this.#queue.take();
    this.#batch = this.#wholeBatch;
  }

  #succeed(): void {
    if (!this.#successor) return;
    // A line of which the old file has a part is written whole to the next one, so that this has whole lines only.
    if (!areSameFile(this.#descriptor, this.#successor)) this.#batch = fromLineStart(this.#wholeBatch, this.#batch);
    release(this.#descriptor);
    this.#descriptor = this.#successor;
    this.#successor = undefined;
  }

  /** Called with the queue just emptied, so that the report itself has room. */
  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const count = this.#dropped;
    this.#dropped = 0;
    this.#onDropped(count);
  }

  async #settled(): Promise<void> {
    if (this.#state === 'idle' || this.#state === 'broken') return;
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, CLOSE_DEADLINE_MS);
      this.#onSettled = () => {
        clearTimeout(deadline);
        resolve();
      };
      if (this.#state === 'scheduled') this.#writeBatch();
    });
  }

  /** Writes as much of the gathered lines as the kernel takes without waiting. The rest stays. */
  #writeNow(): void {
    this.#takeBatch();
    try {
      while (this.#batch.length > 0) this.#batch = this.#batch.subarray(writeSync(this.#descriptor.fd, this.#batch));
    } catch {
      // The next batch meets the same error, and is where it is reported.
    }
  }

  /** For a process that exits unannounced: writes as much as the kernel takes without waiting. */
  readonly #writeRest = (): void => {
    // Node.js waits for a batch that a thread is writing.
    const unwritten = this.#state === 'writing' ? NOTHING : this.#batch;
    let rest = Buffer.concat([unwritten, this.#queue.take()]);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#descriptor.fd, rest));
    } catch {
      // There is no reader, or it is too slow, and the process is ending.
      this.#state = 'broken';
    }
  };
}

const NOTHING = Buffer.alloc(0);
