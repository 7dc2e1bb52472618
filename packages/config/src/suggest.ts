/** Suggests the known word closest to a misspelt one. */

/**
 * The candidate closest to a misspelt word: at most three edits, and no more than half the word's letters. If there is none, the only one
 * with the same beginning (`lisen` for `listeners`).
 */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.min(3, Math.floor(word.length / 2));
  const [closest] = candidates
    .map((candidate) => ({ candidate, distance: countEdits(word.toLowerCase(), candidate) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  if (closest) return closest.candidate;
  const opening = word.slice(0, 3).toLowerCase();
  const alike = opening.length < 3 ? [] : candidates.filter((candidate) => candidate.startsWith(opening));
  return alike.length === 1 ? alike[0] : undefined;
}

/** Whether a word is another one with one slip of the hand in it. */
export function isSlip(word: string, meant: string): boolean {
  return countEdits(word.toLowerCase(), meant) <= 1;
}

/** The suggestion as the end of a message, or nothing. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const closest = suggest(word, candidates);
  return closest === undefined ? '' : `; did you mean "${closest}"?`;
}

/** So many names are listed where none is close. */
const LISTED = 20;

/** The suggestion, or else the names that there are, as the end of a message about a name that is not defined. */
export function hintAtNames(name: string, known: readonly string[]): string {
  const closest = didYouMean(name, known);
  if (closest !== '' || known.length === 0) return closest;
  const more = known.length - LISTED;
  return `; there are ${known.slice(0, LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Counts insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), row by row. */
function countEdits(from: string, to: string): number {
  // A longer word is not a misspelling, and the work grows with the product of the lengths.
  if (Math.abs(from.length - to.length) > 3 || from.length > 64) return Infinity;
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const edited = 1 + Math.min(at(last, column), at(current, column - 1), at(last, column - 1));
      const kept = isSame ? at(last, column - 1) : Infinity;
      const swapped = isSwap ? 1 + at(beforeLast, column - 2) : Infinity;
      current.push(Math.min(edited, kept, swapped));
    }
    beforeLast = last;
    last = current;
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
