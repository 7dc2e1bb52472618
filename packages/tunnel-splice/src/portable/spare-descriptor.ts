/** One descriptor kept for the moment in which there are none left. */
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

/** The descriptor; given up, and taken back once there are some again. */
export class SpareDescriptor {
  #descriptor = openDevNull();

  get isHeld(): boolean {
    return this.#descriptor !== undefined;
  }

  giveUp(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** Tries to get one again; false if there is still none to be had. */
  takeBack(): boolean {
    this.#descriptor ??= openDevNull();
    return this.isHeld;
  }
}

function openDevNull(): number | undefined {
  try {
    return openSync(devNull, 'r');
  } catch {
    // EMFILE or ENFILE: what this class is about.
    return undefined;
  }
}
