/** The credentials in a Proxy-Authorization field (RFC 9110 §11.7.2), by the scheme Basic (RFC 7617). */

/** The name and password that a client sent, not yet checked. Never logged. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** What a Proxy-Authorization field holds. */
export type BasicCredentials =
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  /** `why` contains nothing that the client sent. */
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * Reads the value of a field. The scheme's name is case-insensitive (RFC 9110 §11.1). base64 is read strictly: of two spellings of one
 * password the next reader may accept only one. The bytes are UTF-8, as our challenge asks (RFC 7617 §2.1), or else Latin-1, which many
 * libraries send all the same.
 */
export function parseBasicCredentials(fieldValue: string): BasicCredentials {
  if (fieldValue === '') return unusable('the field is empty');
  const [, scheme = '', token] = SCHEME_AND_TOKEN.exec(fieldValue) ?? [];
  if (scheme.toLowerCase() !== 'basic') return unusable('the scheme is not Basic');
  if (token === undefined) return unusable('there is nothing behind the scheme');

  const bytes = Buffer.from(token, 'base64');
  if (bytes.toString('base64') !== token) return unusable('the credentials are not in base64');
  const text = decodeUtf8(bytes) ?? bytes.toString('latin1');
  // RFC 7617 §2 forbids them in both parts.
  if (CONTROL.test(text)) return unusable('the credentials have a control character');

  // The first colon: a name has none, and a password may have any number.
  const colon = text.indexOf(':');
  if (colon === -1) return unusable('the credentials have no colon');
  const password = text.slice(colon + 1);
  if (Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES)
    return unusable(`the password has more than ${LONGEST_PASSWORD_BYTES} bytes, and bcrypt compares no more of it`);
  return { kind: 'credentials', credentials: { name: text.slice(0, colon), password } };
}

/** bcrypt compares no more: of two longer passwords with the same beginning, either would be accepted for the other. */
const LONGEST_PASSWORD_BYTES = 72;

const SCHEME_AND_TOKEN = /^([^ ]+)(?: +([^ ].*))?$/;

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Its only way to report that the bytes are not UTF-8.
    return undefined;
  }
}

function unusable(why: string): BasicCredentials {
  return { kind: 'unusable', why };
}
