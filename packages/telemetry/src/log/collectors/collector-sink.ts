/**
 * Sends lines to a collector over the network, in batches, each until it is taken. A slow or missing collector costs no more memory than
 * the queue: lines without room there are dropped and counted, and the gap shows in the numbers of the lines.
 */
import { countLines, GatheredBytes } from '../gathered-bytes.ts';
import { CLOSE_DEADLINE_MS, type LogSink, type WrittenLine } from '../sink.ts';

/** How many bytes of lines may wait. As many again may have been taken out together, to be sent batch by batch. */
const QUEUE_LIMIT_BYTES = 4 * 1024 * 1024;
/** The size of a batch. Encoding one takes a millisecond or two of the deciding thread. */
const BATCH_BYTES = 32 * 1024;
const GATHER_MS = 100;
/** The pause before the next attempt, doubled from the one value to the other. */
const SHORTEST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 30_000;
/** A collector that comes and goes is reported no more often. */
const TELL_EVERY_MS = 10_000;

/** For a collector that is reached over TLS. */
export interface CollectorTls {
  /** Certificates in PEM, one of which must have signed the collector's; left out: the authorities that Node.js knows. */
  readonly ca?: string | undefined;
}

/** Delivers to one kind of collector. It settles within a deadline of its own, and never rejects. */
export interface Courier {
  /** @param lines in JSON, without their newline */
  deliver(lines: readonly string[]): Promise<Delivery>;
  /** Closes what it has open. */
  close(): void;
}

export type Delivery =
  | { readonly kind: 'taken' }
  /** A further attempt would fail too. */
  | { readonly kind: 'rejected'; readonly lines: number; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string; readonly retryAfterMs?: number | undefined };

export interface CollectorEvents {
  /** Called when a collector is lost, and again where it stays away for another reason. */
  onLost(detail: string): void;
  /** Called once for each loss that was reported. */
  onBack(linesDropped: number): void;
}

export class CollectorSink implements LogSink {
  readonly #courier: Courier;
  readonly #events: CollectorEvents;
  readonly #queue = new GatheredBytes(QUEUE_LIMIT_BYTES);
  /** Taken from the queue, and not sent yet. */
  #taken: Buffer = Buffer.alloc(0);
  /** How many lines the courier has got that it has not delivered yet. */
  #underWay = 0;
  #linesDropped = 0;
  #isHandingOver = false;
  #isClosing = false;
  #isClosed = false;
  #loss: Loss | undefined;
  #toldAt = -Infinity;
  /** Ends a pause early. */
  #wake: (() => void) | undefined;
  #onHandedOver: (() => void) | undefined;

  constructor(courier: Courier, events: CollectorEvents) {
    this.#courier = courier;
    this.#events = events;
  }

  get linesDropped(): number {
    return this.#linesDropped;
  }

  write(line: WrittenLine): void {
    if (this.#isClosing) return;
    if (!this.#queue.add(line.bytes, line.length)) {
      this.#linesDropped += 1;
      return;
    }
    if (!this.#isHandingOver) void this.#handOver();
  }

  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#wake?.();
    if (this.#isHandingOver) await this.#handedOver();
    this.#isClosed = true;
    this.#linesDropped += this.#underWay + countLines(this.#taken) + countLines(this.#queue.take());
    this.#courier.close();
  }

  async #handOver(): Promise<void> {
    this.#isHandingOver = true;
    await this.#pause(GATHER_MS);
    for (let lines = this.#nextBatch(); lines.length > 0 && !this.#isClosed; lines = this.#nextBatch()) {
      await this.#deliver(lines);
      if (this.#isClosing && this.#loss) break;
      if (this.#taken.length === 0 && this.#queue.length < BATCH_BYTES) await this.#pause(GATHER_MS);
    }
    this.#isHandingOver = false;
    this.#onHandedOver?.();
  }

  async #deliver(lines: readonly string[]): Promise<void> {
    for (let retryMs = SHORTEST_RETRY_MS; !this.#isClosed; retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS)) {
      const delivery = await this.#attempt(lines);
      if (delivery === undefined) return;
      if (delivery.kind === 'taken') {
        this.#wasReached();
        return;
      }
      this.#wasLost(delivery.detail);
      if (delivery.kind === 'rejected') {
        this.#linesDropped += delivery.lines;
        return;
      }
      if (this.#isClosing) break;
      // So that not all replicas come at once.
      await this.#pause(delivery.retryAfterMs ?? retryMs * (0.5 + Math.random() / 2));
    }
    this.#linesDropped += lines.length;
  }

  /** Undefined where the sink was closed meanwhile, which counted these lines as lost. */
  async #attempt(lines: readonly string[]): Promise<Delivery | undefined> {
    this.#underWay = lines.length;
    const delivery = await this.#courier.deliver(lines);
    this.#underWay = 0;
    return this.#isClosed ? undefined : delivery;
  }

  #nextBatch(): readonly string[] {
    if (this.#taken.length === 0) this.#taken = this.#queue.take();
    const { length } = this.#taken;
    // Whole lines, and at least one.
    const end = length <= BATCH_BYTES ? length : this.#taken.indexOf(NEWLINE, BATCH_BYTES) + 1;
    const batch = this.#taken.toString('utf8', 0, end);
    this.#taken = this.#taken.subarray(end);
    return batch === '' ? [] : batch.slice(0, -1).split('\n');
  }

  /** Called at every attempt. What was not reported, because it came too soon after another report, is reported once it lasts. */
  #wasLost(detail: string): void {
    this.#loss ??= { told: undefined, droppedBefore: this.#linesDropped };
    const now = performance.now();
    if (this.#loss.told === detail || now - this.#toldAt < TELL_EVERY_MS) return;
    this.#loss.told = detail;
    this.#toldAt = now;
    this.#events.onLost(detail);
  }

  #wasReached(): void {
    const loss = this.#loss;
    this.#loss = undefined;
    if (loss?.told !== undefined) this.#events.onBack(this.#linesDropped - loss.droppedBefore);
  }

  #pause(ms: number): Promise<void> {
    if (this.#isClosing) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #handedOver(): Promise<void> {
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, CLOSE_DEADLINE_MS);
      this.#onHandedOver = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
  }
}

const NEWLINE = 0x0a;

interface Loss {
  /** The reason that was reported last. */
  told: string | undefined;
  readonly droppedBefore: number;
}
