/** `runtime.watch`: reloads when the configuration, or a file that it names, has changed. */
import { FileWatch } from './file-watch.ts';
import type { ReloadResult } from './program.ts';
import type { SettingsResult } from './settings.ts';

/** Watches the files of the configuration in force, and those of one that could not take effect. */
export class ConfigWatch {
  readonly #watch: FileWatch;
  #files: readonly string[] = [];
  #isOn = false;

  constructor(started: SettingsResult, onChange: () => void) {
    this.#watch = new FileWatch(onChange);
    this.wasRead(started, { kind: 'reloaded' });
  }

  aboutToRead(): void {
    this.#watch.aboutToRead();
  }

  stop(): void {
    this.#watch.follow([]);
  }

  wasRead(read: SettingsResult, { kind }: Pick<ReloadResult, 'kind'>): void {
    const isInForce = kind === 'reloaded' && read.kind === 'ok';
    this.#files = isInForce ? read.files : [...new Set([...this.#files, ...read.files])];
    if (isInForce) this.#isOn = read.settings.config.runtime.watch;
    this.#watch.follow(this.#isOn ? this.#files : []);
  }
}
