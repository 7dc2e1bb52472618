/** What a frontend makes of a client that says so and so, over a real connection. */
import type { Socket } from 'node:net';
import { TunnelError, type Frontend, type Identified, type PlainHttp } from '@sallyport/tunnel-server';
import { createSslPrereadFrontend, type SslPrereadFrontendOptions } from '../src/frontend.ts';
import { type Connection, deadlineIn, useConnections } from '../../../packages/tunnel-server/test/connections.ts';

export const OPTIONS: SslPrereadFrontendOptions = {
  port: 443,
  withoutSni: { kind: 'reject' },
  ech: 'allow',
  misdirected: 'explain',
};
export const FALLBACK = { kind: 'name', host: 'fallback.example', port: 8443 } as const;
export const LIMIT_BYTES = 16_384;
/** Whose tunnel is refused. */
export const TUNNEL = { id: '7f3a', listener: 'transparent' };

export interface Visit extends Connection {
  /** All that the peer is told until we close; rejects if we end in an RST. */
  readonly reply: Promise<Buffer>;
}

export interface Identification extends Visit {
  readonly frontend: Frontend;
  readonly outcome: Identified | PlainHttp | TunnelError;
}

export type Identify = (
  bytes: Uint8Array | string,
  options?: Partial<SslPrereadFrontendOptions>,
  limits?: { readonly prereadLimitBytes?: number; readonly deadline?: number },
) => Promise<Identification>;

/** Opens a door for the tests of the calling file: `identify` lets a client say `bytes`, and the frontend make of it what it will. */
export function openFrontend(): { readonly visit: () => Promise<Visit>; readonly identify: Identify } {
  const openConnection = useConnections();
  const visit = async (): Promise<Visit> => {
    const connection = await openConnection();
    const reply = collect(connection.peer);
    // A test that is not about the reply does not wait for it.
    reply.catch(() => undefined);
    return { ...connection, reply };
  };
  const identify: Identify = async (bytes, options = {}, limits = {}) => {
    const visitor = await visit();
    if (bytes.length > 0) visitor.peer.write(bytes);
    const frontend = createSslPrereadFrontend(visitor.leg, { ...OPTIONS, ...options });
    const identifying = async (): Promise<Identified | PlainHttp> =>
      frontend.identify({ prereadLimitBytes: LIMIT_BYTES, deadline: deadlineIn(), ...limits });
    return { ...visitor, frontend, outcome: await identifying().catch(onlyTunnelErrors) };
  };
  return { visit, identify };
}

function collect(peer: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  peer.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    peer.on('error', reject);
    peer.on('end', () => {
      peer.end();
      resolve(Buffer.concat(chunks));
    });
  });
}

function onlyTunnelErrors(cause: unknown): TunnelError {
  if (cause instanceof TunnelError) return cause;
  throw cause;
}

/** What was identified, its bytes as a Buffer, whichever kind of byte array the transport hands out. */
export function identified({ outcome }: Identification): Identified {
  if (outcome instanceof TunnelError) throw outcome;
  if ('kind' in outcome) throw new Error('it is plain HTTP');
  return { ...outcome, clientBytes: Buffer.from(outcome.clientBytes) };
}

/** Refuses what was not identified, and returns all that goes out. */
export async function refuse({ frontend, outcome, reply }: Identification) {
  if (!(outcome instanceof TunnelError)) throw new Error('there is nothing to refuse');
  const status = frontend.refuse(outcome, TUNNEL);
  return { reason: outcome.reason, status, said: await reply };
}
