/** Reads a users file as `htpasswd -B` writes it: a name and the bcrypt hash of its password on each line. */

import { type Steps, stepsOf } from './steps.ts';

/** The users: the bcrypt hash of each one's password, by name. */
export type Users = ReadonlyMap<string, string>;

/** An error in a users file. The message names cause and remedy, and nothing of a password or its hash. */
export interface UsersFileProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

export interface UsersFile {
  /** May be used only where there are no problems. */
  readonly users: Users;
  readonly problems: readonly UsersFileProblem[];
}

/** Reads the text of a users file: lines of `name:hash` or `name:hash:comment`, comment lines with `#`, empty lines. */
export function* parseHtpasswd(text: string): Steps<UsersFile> {
  const isStep = stepsOf(LINES_A_STEP);
  const users = new Map<string, string>();
  const problems: UsersFileProblem[] = [];
  for (const [index, line] of text.replace(BYTE_ORDER_MARK, '').split(/\r?\n/).entries()) {
    if (isStep()) yield;
    if (line.trim() === '' || line.startsWith('#')) continue;
    const user = parseUser(line);
    const message = 'message' in user ? user.message : explainTwin(users, user.name);
    if (message !== undefined) problems.push({ line: index + 1, message });
    else if ('hash' in user) users.set(user.name, user.hash);
  }
  return { users, problems };
}

const LINES_A_STEP = 256;

type UserLine = { readonly name: string; readonly hash: string } | { readonly message: string };

function parseUser(line: string): UserLine {
  const [name = '', hash] = line.split(':');
  // A line of `openssl passwd`, for example, has no name. Its text may be a secret, so it is not shown.
  if (hash === undefined)
    return { message: 'a user needs a name and a hash, name:hash; htpasswd -B FILE NAME adds one' };
  if (name === '') return { message: 'the name in front of the colon is empty; give one' };
  if (CONTROL.test(name)) return { message: 'the name has a control character; remove it' };
  const cost = Number(BCRYPT.exec(hash)?.[1]);
  if (Number.isNaN(cost)) return { message: explainKind(name, hash) };
  if (cost >= LOWEST_COST && cost <= HIGHEST_COST) return { name, hash };
  const range = `${LOWEST_COST} to ${HIGHEST_COST}`;
  return { message: `the bcrypt cost of ${name} is ${cost}; choose one from ${range} with htpasswd -B -C` };
}

/** Version, cost, and 22 characters of salt with 31 of digest. `$2x$` marks hashes of a faulty implementation. */
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** The lowest cost is bcrypt's own limit. One check of the highest takes seconds. */
const LOWEST_COST = 4;
const HIGHEST_COST = 17;

const BYTE_ORDER_MARK = /^\ufeff/;

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Other formats of htpasswd, openssl and the like. The first that matches counts. */
const OTHER_KINDS: readonly { readonly sign: RegExp; readonly kind: string }[] = [
  { sign: /^\{SSHA\}/i, kind: 'salted SHA-1 ({SSHA})' },
  { sign: /^\{SHA\}/i, kind: 'SHA-1 ({SHA})' },
  { sign: /^\$apr1\$/, kind: "Apache's MD5 ($apr1$)" },
  { sign: /^\$1\$/, kind: 'MD5 ($1$)' },
  { sign: /^\$5\$/, kind: 'SHA-256 crypt ($5$)' },
  { sign: /^\$6\$/, kind: 'SHA-512 crypt ($6$)' },
  { sign: /^\$argon2/, kind: 'Argon2' },
  { sign: /^\$y\$/, kind: 'yescrypt ($y$)' },
  { sign: /^\$2[aby]\$/, kind: 'a bcrypt hash that is cut short or damaged' },
  { sign: /^\$2x?\$/, kind: 'a faulty or ancient bcrypt' },
];

function explainKind(name: string, hash: string): string {
  const kind = OTHER_KINDS.find(({ sign }) => sign.test(hash))?.kind ?? 'plain text or DES crypt';
  return `the password of ${name} is kept as ${kind}, and only bcrypt is read; make it anew with htpasswd -B`;
}

function explainTwin(users: Users, name: string): string | undefined {
  return users.has(name) ? `${name} is there already; keep one of the lines` : undefined;
}
