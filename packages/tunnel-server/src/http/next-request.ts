/** A client of plain HTTP between two requests. */
import type { DeadlineMs, Leg, ReadResult } from '@sallyport/tunnel-splice';
import type { Ledger } from '../account/ledger.ts';
import type { KeptAlive } from './forward-request.ts';

/** The next request on a kept-alive connection. */
export interface NextRequest {
  /** At least its first bytes. */
  readonly bytes: Uint8Array;
  readonly begunAt: DeadlineMs;
  /** When its connection ends in any case. */
  readonly lifetimeDeadline: DeadlineMs;
  /** The peers by which its connection was introduced, as the door names them. */
  readonly senders?: string | undefined;
}

/** Enough for most heads. */
const READ_BYTES = 16 * 1024;

type Awaiting = Pick<Ledger, 'isDraining' | 'idleClients'>;

/**
 * Resolves with the beginning of the next request. Undefined, with the client closed, where it leaves or is silent for too long, or where
 * none may come any more because of a drain.
 */
export async function awaitNextRequest(
  kept: KeptAlive,
  idleTimeoutMs: number,
  ledger: Awaiting,
): Promise<NextRequest | undefined> {
  const { client, unread, lifetimeDeadline } = kept;
  const deadline = Math.min(performance.now() + idleTimeoutMs, lifetimeDeadline);
  let bytes = unread;
  while (isLineEnd(bytes)) {
    const more = ledger.isDraining ? 'end' : await readIdle(client, deadline, ledger);
    if (typeof more === 'string') {
      client.close();
      return undefined;
    }
    bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more]);
  }
  return { bytes, begunAt: performance.now(), lifetimeDeadline };
}

async function readIdle(client: Leg, deadline: DeadlineMs, { idleClients }: Awaiting): Promise<ReadResult> {
  idleClients.add(client);
  const read = await client.read(READ_BYTES, deadline);
  idleClients.delete(client);
  return read;
}

/** Some clients send an empty line behind the content of a request (RFC 9112 §2.2). It begins no request. */
function isLineEnd(bytes: Uint8Array): boolean {
  return bytes.length <= 2 && (bytes[0] ?? CR) === CR && (bytes[1] ?? LF) === LF;
}

const LF = 0x0a;
const CR = 0x0d;
