/** The step between the form of a request and the policy: authenticates the client. */
import { parseIp } from '@sallyport/addresses';
import type { Users } from '@sallyport/config';
import type { DeadlineMs, Leg } from '@sallyport/tunnel-splice';
import { forNoLonger, unlessGone } from '../abandon.ts';
import { clientKey, neighbourhoodKey } from '../limits/client-key.ts';
import { TunnelError } from '../reasons.ts';
import type { Authenticator, Origin, Verdict } from './authenticator.ts';
import { parseBasicCredentials } from './basic-credentials.ts';

/** The users of a door, and how they are authenticated. */
export interface Gatekeeper {
  readonly users: Users;
  readonly authenticator: Authenticator;
}

/**
 * Returns the user's name. Throws `auth` where credentials are missing, wrong or could not be checked in time. Throws `client_closed`
 * where the client leaves meanwhile; the comparison then goes on for other clients with the same credentials.
 *
 * @param fieldValue of Proxy-Authorization; it is used in this step only
 */
export async function authenticateClient(
  client: Leg,
  fieldValue: string | undefined,
  { users, authenticator }: Gatekeeper,
  deadline: DeadlineMs,
): Promise<string> {
  if (fieldValue === undefined) throw refused('This proxy asks for a user name and a password.');
  const read = parseBasicCredentials(fieldValue);
  if (read.kind === 'unusable') throw refused(`The credentials cannot be used: ${read.why}.`);

  const { name } = read.credentials;
  const verdict = authenticator.check(users, read.credentials, originOf(client));
  const settled = typeof verdict === 'string' ? verdict : await waitFor(client, verdict, deadline);
  switch (settled) {
    case 'right':
      return name;
    case 'wrong':
      throw refused('The user name or the password is wrong.', claimed(name, users));
    case 'busy':
      throw refused('Too many passwords wait to be checked; try again.', claimed(name, users));
    case 'late':
      throw refused('The password was not checked within timeouts.handshake; try again.', claimed(name, users));
  }
}

/** The deadline of the handshake holds for the check too, so the client gets an answer however long the queue is. */
function waitFor(client: Leg, verdict: Promise<Verdict>, deadline: DeadlineMs): Promise<Verdict | 'late'> {
  const done = forNoLonger<Verdict | 'late'>(verdict, deadline - performance.now(), 'late');
  return unlessGone(client, { done, cancel: () => undefined }, 'its password was checked');
}

function originOf({ remote }: Leg): Origin {
  const ip = parseIp(remote.host);
  return ip
    ? { client: clientKey(ip), neighbourhood: neighbourhoodKey(ip) }
    : { client: remote.host, neighbourhood: remote.host };
}

/** The log names a user who mistyped a password, but not a name that no user has: it may be a password typed in the wrong field. */
function claimed(name: string, users: Users): string | undefined {
  return users.has(name) ? name : undefined;
}

function refused(sentence: string, claimedUser?: string): TunnelError {
  return new TunnelError('auth', sentence, { claimedUser });
}
