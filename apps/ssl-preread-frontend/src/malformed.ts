/** A ClientHello that cannot be read, or that is ambiguous. `why` is a clause with nothing in it that the client sent. */
export interface Malformed {
  readonly kind: 'malformed';
  readonly why: string;
}

/** @param why a clause, with nothing in it that the client sent */
export function malformed(why: string): Malformed {
  return { kind: 'malformed', why };
}
