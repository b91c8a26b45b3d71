/** The words of an option that takes several. */
export function commaSeparated(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}
