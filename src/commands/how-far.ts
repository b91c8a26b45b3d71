/** Says on the terminal how far something is, in place of what was said before; an empty text takes it away. Elsewhere, nothing. */
export function sayHowFar(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
