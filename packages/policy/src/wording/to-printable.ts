/** A sentence as the head of a reply can hold it: in printable ASCII. */

/** Letters lose their accents. A character without a counterpart in ASCII becomes a question mark. */
export function toPrintable(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/\p{Pd}/gu, '-')
    .replace(/[^ -~]/gu, (character) => LIKENESSES[character] ?? LOST);
}

const LOST = '?';

/** Whether a character becomes a question mark that is none. */
export function losesCharacters(text: string): boolean {
  return Array.from(text).some(
    (character) => toPrintable(character).includes(LOST) && character.normalize('NFKD') !== LOST,
  );
}

/** Replacements of characters that operators use in messages and that NFKD does not decompose. */
const LIKENESSES: Readonly<Record<string, string>> = {
  ...{ '‘': "'", '’': "'", '‚': "'", '‹': "'", '›': "'", '“': '"', '”': '"', '„': '"', '«': '"', '»': '"' },
  ...{ '→': '->', '←': '<-', '•': '*', '·': '*', '−': '-' },
  ...{ ß: 'ss', ẞ: 'SS', æ: 'ae', Æ: 'AE', œ: 'oe', Œ: 'OE', ø: 'o', Ø: 'O', ł: 'l', Ł: 'L', đ: 'd', Đ: 'D' },
  ...{ ð: 'd', Ð: 'D', þ: 'th', Þ: 'Th', ı: 'i' },
};
