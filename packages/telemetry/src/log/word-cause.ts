/** So many addresses of one name are told of. */
const TOLD = 3;

/**
 * Words what a connection has thrown. A name with several addresses, all of which were dialled in vain, has an error for each, and the
 * error of the whole has no message.
 */
export function wordCause(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === '')
    return cause.errors.slice(0, TOLD).map(wordCause).join('; ');
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
