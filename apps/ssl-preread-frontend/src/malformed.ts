/** A ClientHello that cannot be read, or that is ambiguous. `why` is half a sentence; it holds nothing the client sent. */
export interface Malformed {
  readonly kind: 'malformed';
  readonly why: string;
}

export function malformed(why: string): Malformed {
  return { kind: 'malformed', why };
}
