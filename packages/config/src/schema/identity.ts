/** How the explicit door authenticates its clients, and its TLS. */
import * as z from 'zod';
import { ok, type Read } from '../units.ts';
import { checkPath, expected, section, written } from './fields.ts';

/** Basic credentials. */
export const auth = section({
  users_file: path('users.htpasswd').describe(
    'Lines of name:hash, as htpasswd -B writes them (passwords of 72 bytes at most); reread by a reload.',
  ),
  realm: written('a realm', readRealm, '^[ -~]+$')
    .describe('The realm in a 407: clients show it where they ask for the password.')
    .prefault('sallyport'),
}).describe('Clients must log in by name and password. Others get a 407.');

/** TLS between the clients and the proxy itself. */
export const tls = section({
  cert: path('proxy.crt').describe('The certificate with its chain, in PEM; reread by a reload.'),
  key: path('proxy.key').describe("The certificate's key, in PEM, without a passphrase."),
  client_ca: path('ca.crt')
    .describe('Clients must have a certificate signed by one of these authorities. Its common name is the user.')
    .exactOptional(),
}).describe('Clients speak TLS to the proxy itself. Tunnels are still not decrypted.');

/** A path as written in the file: relative to the file's folder, unless it is absolute. */
export function path(example: string) {
  return z
    .string({ error: expected(`the path of a file such as ${example}`) })
    .min(1, { error: `an empty path; give one such as ${example}` })
    .superRefine(checkPath);
}

/** RFC 9110 §5.6.4 allows more in a quoted-string, but clients handle only this alike. */
function readRealm(text: string): Read<string> {
  if (/^[ -~]+$/.test(text)) return ok(text);
  return { kind: 'malformed', why: 'expected a realm of printable ASCII characters; leave the key out for sallyport' };
}
