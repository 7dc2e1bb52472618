/**
 * Puts a text from outside into one line: what would begin a new one, move the cursor of a terminal, or look
 * like a plain space, is shown as its escape in JSON.
 */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?! )\p{Zs}/gu, (control) => {
    const escaped = JSON.stringify(control).slice(1, -1);
    return escaped === control ? `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}` : escaped;
  });
}
