/** Makes text from outside safe to show. */

/**
 * Writes every character that could control a terminal, forge a line or reverse the direction of text as `\uXXXX`: C0, DEL and C1, the
 * line separators U+2028 and U+2029, the bidirectional controls (Unicode TR36 §3.1), zero-width characters and the byte order mark.
 *
 * Within a JSON string the result is a valid escape of the same character, so a whole JSON line may be passed in.
 */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
