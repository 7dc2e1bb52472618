/** The present collectors of lines, besides stdout or a file. A reload replaces them. */
import { isDeepStrictEqual } from 'node:util';
import type { LogSink, WrittenLine } from '../sink.ts';
import { CollectorSink, type Courier } from './collector-sink.ts';
import { OtlpCourier, type OtlpOptions } from './otlp-courier.ts';
import { SyslogCourier, type SyslogOptions } from './syslog-courier.ts';

export interface CollectorsOptions {
  readonly syslog?: SyslogOptions | null;
  readonly otlp?: OtlpOptions | null;
}

/** Each is given the collector's address. */
export interface CollectorsEvents {
  onLost(address: string, detail: string): void;
  onBack(address: string, linesDropped: number): void;
}

export class Collectors implements LogSink {
  readonly #events: CollectorsEvents;
  #options: CollectorsOptions = {};
  #syslog: CollectorSink | undefined;
  #otlp: CollectorSink | undefined;
  /** The present ones. */
  #sinks: readonly CollectorSink[] = [];
  /** Removed ones, which still send what they have. */
  readonly #leaving = new Set<CollectorSink>();
  #droppedByThoseThatLeft = 0;

  constructor(options: CollectorsOptions, events: CollectorsEvents) {
    this.#events = events;
    this.reconfigure(options);
  }

  /** Unchanged collectors go on. */
  reconfigure({ syslog = null, otlp = null }: CollectorsOptions): void {
    const from = this.#options;
    if (!isDeepStrictEqual(syslog, from.syslog ?? null)) {
      this.#leave(this.#syslog);
      this.#syslog = syslog ? this.#open(`${syslog.host}:${syslog.port}`, new SyslogCourier(syslog)) : undefined;
    }
    if (!isDeepStrictEqual(otlp, from.otlp ?? null)) {
      this.#leave(this.#otlp);
      this.#otlp = otlp ? this.#open(new URL(otlp.endpoint).host, new OtlpCourier(otlp)) : undefined;
    }
    this.#options = { syslog, otlp };
    this.#sinks = [this.#syslog, this.#otlp].filter((sink) => sink !== undefined);
  }

  get linesDropped(): number {
    const all = [...this.#sinks, ...this.#leaving];
    return all.reduce((sum, sink) => sum + sink.linesDropped, this.#droppedByThoseThatLeft);
  }

  write(line: WrittenLine): void {
    for (const sink of this.#sinks) sink.write(line);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sinks, ...this.#leaving].map((sink) => sink.close()));
  }

  #open(address: string, courier: Courier): CollectorSink {
    return new CollectorSink(courier, {
      onLost: (detail) => this.#events.onLost(address, detail),
      onBack: (linesDropped) => this.#events.onBack(address, linesDropped),
    });
  }

  #leave(sink: CollectorSink | undefined): void {
    if (sink === undefined) return;
    this.#leaving.add(sink);
    void sink.close().then(() => {
      this.#leaving.delete(sink);
      this.#droppedByThoseThatLeft += sink.linesDropped;
    });
  }
}
