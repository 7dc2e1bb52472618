/** Work that is done in short steps: a start does it in one go, and a reload serves clients between two steps. */

/** Yields after each step. A step takes less than a millisecond, or about one where it reads a file. */
export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Does all of it in one go. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** For a loop: the function returns true where so many rounds make up a step. */
export function stepsOf(rounds: number): () => boolean {
  let done = 0;
  return () => ++done % rounds === 0;
}
