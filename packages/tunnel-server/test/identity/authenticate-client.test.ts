import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { hashSync } from 'bcryptjs';
import { createPortableTransport, type Leg, type Listening } from '@sallyport/tunnel-splice';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticateClient } from '../../src/identity/authenticate-client.ts';
import { Authenticator } from '../../src/identity/authenticator.ts';
import { TunnelError } from '../../src/reasons.ts';

const transport = createPortableTransport();
const authenticator = new Authenticator();
const gatekeeper = { users: new Map([['alice', hashSync('secret', 4)]]), authenticator };
const awaited: ((leg: Leg) => void)[] = [];
let listening: Listening;

beforeAll(async () => {
  listening = await transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => awaited.shift()?.(leg));
});

afterAll(async () => {
  await listening.close();
  await transport.stop();
  await authenticator.close();
});

async function openLeg(): Promise<{ readonly socket: Socket; readonly leg: Leg }> {
  const accepted = new Promise<Leg>((resolve) => awaited.push(resolve));
  const socket = connect(listening.address.port, '127.0.0.1');
  const [leg] = await Promise.all([accepted, once(socket, 'connect')]);
  return { socket, leg };
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

async function authenticate(value: string | undefined, deadlineInMs = 10_000): Promise<unknown> {
  const { leg, socket } = await openLeg();
  const outcome = authenticateClient(leg, value, gatekeeper, performance.now() + deadlineInMs);
  return outcome.catch((error: unknown) => error).finally(() => socket.destroy());
}

describe('authenticateClient', () => {
  it('names the user whose password is right', async () => {
    expect(await authenticate(basic('alice:secret'))).toBe('alice');
  });

  it.each([
    { what: 'no credentials', value: undefined, sentence: /asks for a user name/ },
    { what: 'another scheme', value: 'Bearer alice', sentence: /cannot be used: the scheme is not Basic/ },
    { what: 'a wrong password', value: basic('alice:guess'), sentence: /is wrong/ },
    { what: 'more than bcrypt compares', value: basic(`alice:${'é'.repeat(37)}`), sentence: /more than 72 bytes/ },
    { what: 'an unknown name', value: basic('mallory:secret'), sentence: /is wrong/ },
  ])('refuses $what', async ({ value, sentence }) => {
    const error = await authenticate(value);
    expect(error).toBeInstanceOf(TunnelError);
    expect(error).toMatchObject({ reason: 'auth', message: expect.stringMatching(sentence) as unknown });
  });

  it('shows nothing of what the client sent', async () => {
    for (const value of [basic('alice:guess'), 'alice:guess', `Bearer ${basic('guess')}`]) {
      expect(String(await authenticate(value))).not.toMatch(/alice|guess|Z3Vlc3M/);
    }
  });

  it('says at the deadline that there was no time, however long a comparison takes', async () => {
    const slow = new Authenticator([{ compare: () => new Promise(() => undefined), close: () => Promise.resolve() }]);
    const { leg, socket } = await openLeg();
    const outcome = authenticateClient(
      leg,
      basic('alice:x'),
      { ...gatekeeper, authenticator: slow },
      performance.now() + 50,
    );
    await expect(outcome).rejects.toMatchObject({
      reason: 'auth',
      message: 'The password was not checked within timeouts.handshake; try again.',
    });
    socket.destroy();
  });

  it('says that a client left while its password was compared', async () => {
    const slow = new Authenticator([{ compare: () => new Promise(() => undefined), close: () => Promise.resolve() }]);
    const { leg, socket } = await openLeg();
    const outcome = authenticateClient(
      leg,
      basic('alice:x'),
      { ...gatekeeper, authenticator: slow },
      performance.now() + 10_000,
    );
    socket.destroy();
    await expect(outcome).rejects.toMatchObject({ reason: 'client_closed' });
  });
});
