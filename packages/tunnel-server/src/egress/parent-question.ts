/** What a parent is asked, and what it answers, in whatever protocol it speaks. */
import type { DeadlineMs, Departure, Leg } from '@sallyport/tunnel-splice';

/** The destination that a parent is asked to connect to: a name, or an IP literal. */
export interface ParentDestination {
  readonly host: string;
  readonly port: number;
  /** The proxies that the request has passed, where it names them. */
  readonly via?: string | undefined;
}

/** The login at a parent. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The question to a parent, in its own protocol. */
export interface ParentQuestion {
  /** The first bytes to it. */
  readonly opening: Uint8Array;
  /** Reads the whole answer. Bytes behind it are put back: they are the destination's. */
  answer(leg: Leg, deadline: DeadlineMs): Promise<ParentAnswer>;
}

/** `left`: it closed the connection without an answer. */
export type ParentAnswer =
  /** `said`: the whole answer; empty where the protocol has several. */
  | { readonly kind: 'opened'; readonly said: Uint8Array }
  | { readonly kind: 'refused'; readonly why: string; readonly status?: number }
  | { readonly kind: 'unfit'; readonly why: string }
  | { readonly kind: 'left'; readonly how: Departure }
  | { readonly kind: 'silent' };
