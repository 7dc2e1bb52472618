/** The steps of a request to a SOCKS 5 proxy (RFC 1928, RFC 1929). */
import { parseIp } from '@sallyport/addresses';
import type { DeadlineMs, Departure, Leg } from '@sallyport/tunnel-splice';
import type { Credentials, ParentAnswer, ParentDestination, ParentQuestion } from './parent-question.ts';

const NO_BYTES = new Uint8Array(0);
const VERSION = 5;
const LOGIN_VERSION = 1;
const CONNECT = 1;
const METHOD = { none: 0, login: 2 } as const;
const ADDRESS = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** With credentials a login is offered beside none: the parent chooses (RFC 1928 §3). */
export function askSocks5Parent(
  credentials: Credentials | undefined,
): (destination: ParentDestination) => ParentQuestion {
  const methods = credentials ? [METHOD.none, METHOD.login] : [METHOD.none];
  const opening = Uint8Array.of(VERSION, methods.length, ...methods);
  return (destination) => ({
    opening,
    answer: async (leg, deadline) => {
      const answers = new Answers(leg, deadline);
      try {
        await agreeOnLogin(answers, leg, credentials);
        leg.write(encodeRequest(destination));
        await readReply(answers);
      } catch (cause) {
        if (cause instanceof NoTunnel) return cause.answer;
        throw cause;
      }
      answers.giveBack();
      return { kind: 'opened', said: NO_BYTES };
    },
  });
}

async function agreeOnLogin(answers: Answers, leg: Leg, credentials: Credentials | undefined): Promise<void> {
  const [version, method] = await answers.take(2);
  if (version !== VERSION) throw unfit('does not speak SOCKS 5');
  if (method === METHOD.none) return;
  if (method !== METHOD.login || credentials === undefined) throw refused('accepts no login that we have');
  leg.write(encodeLogin(credentials));
  const [, status] = await answers.take(2);
  if (status !== 0) throw refused('refused our user name and password');
}

/** Version, lengths and texts (RFC 1929 §2). */
function encodeLogin({ username, password }: Credentials): Uint8Array {
  const [name, secret] = [Buffer.from(username, 'utf8'), Buffer.from(password, 'utf8')];
  return Uint8Array.of(LOGIN_VERSION, name.length, ...name, secret.length, ...secret);
}

/** Version, command, reserved, address and port (RFC 1928 §4). */
function encodeRequest({ host, port }: ParentDestination): Uint8Array {
  return Uint8Array.of(VERSION, CONNECT, 0, ...encodeHost(host), port >>> 8, port & 0xff);
}

function encodeHost(host: string): readonly number[] {
  const ip = parseIp(host);
  if (!ip) return [ADDRESS.name, host.length, ...Buffer.from(host, 'latin1')];
  const octets = ip.words.flatMap((word) => [word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff]);
  return [ip.family === 4 ? ADDRESS.ipv4 : ADDRESS.ipv6, ...octets];
}

/** RFC 1928 §6. The address that the parent has bound is not used. */
async function readReply(answers: Answers): Promise<void> {
  const [version, reply = -1] = await answers.take(2);
  if (version !== VERSION) throw unfit('does not speak SOCKS 5');
  if (reply !== 0) throw refused(`answered ${reply}: ${REPLIES.get(reply) ?? 'unassigned'}`);
  const [, type = 0, first = 0] = await answers.take(3);
  const addressBytes = type === ADDRESS.name ? first + 1 : ADDRESS_BYTES.get(type);
  if (addressBytes === undefined) throw unfit('answers with an address of no known kind');
  await answers.take(addressBytes - 1 + 2);
}

const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [ADDRESS.ipv4, 4],
  [ADDRESS.ipv6, 16],
]);

const REPLIES: ReadonlyMap<number, string> = new Map([
  [1, 'general failure'],
  [2, 'not allowed by its rules'],
  [3, 'network unreachable'],
  [4, 'host unreachable'],
  [5, 'connection refused'],
  [6, 'TTL expired'],
  [7, 'command not supported'],
  [8, 'address type not supported'],
]);

/** What a parent sends, read in pieces of a known length. */
class Answers {
  readonly #leg: Leg;
  readonly #deadline: DeadlineMs;
  #unread: Uint8Array = new Uint8Array(0);
  #hasSpoken = false;

  constructor(leg: Leg, deadline: DeadlineMs) {
    this.#leg = leg;
    this.#deadline = deadline;
  }

  async take(count: number): Promise<Uint8Array> {
    while (this.#unread.length < count) {
      const chunk = await this.#leg.read(count, this.#deadline);
      if (chunk === 'deadline') throw new NoTunnel({ kind: 'silent' });
      if (typeof chunk === 'string') throw this.#hasSpoken ? unfit('broke off without an answer') : left(chunk);
      this.#hasSpoken = true;
      this.#unread = Buffer.concat([this.#unread, chunk]);
    }
    const taken = this.#unread.subarray(0, count);
    this.#unread = this.#unread.subarray(count);
    return taken;
  }

  giveBack(): void {
    this.#leg.putBack(this.#unread);
  }
}

/** Ends the exchange with a parent without a tunnel. */
class NoTunnel extends Error {
  readonly answer: ParentAnswer;

  constructor(answer: ParentAnswer) {
    super(answer.kind);
    this.answer = answer;
  }
}

function left(how: Departure): NoTunnel {
  return new NoTunnel({ kind: 'left', how });
}

function refused(why: string): NoTunnel {
  return new NoTunnel({ kind: 'refused', why });
}

function unfit(why: string): NoTunnel {
  return new NoTunnel({ kind: 'unfit', why });
}
