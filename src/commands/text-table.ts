/** Rows as lines in columns, two spaces apart; the last column is as wide as it likes. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map(oneLine));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? '').length)));
  return lines
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** What a terminal would take for more than text is not passed on. */
function oneLine(cell: string): string {
  return cell.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
}
