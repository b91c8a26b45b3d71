/** One CSV record as text (RFC 4180), into its cells and back. What quotes say is kept: `""` is an empty text, nothing is no value. */

export interface Cell {
  readonly text: string;
  readonly quoted: boolean;
}

/** @param record without its line end. A text instead of cells says what is wrong with it. */
export function readCells(record: string): readonly Cell[] | string {
  const cells: Cell[] = [];
  for (let at = 0; ; ) {
    if (record[at] !== '"') {
      const comma = record.indexOf(',', at);
      cells.push({ text: comma < 0 ? record.slice(at) : record.slice(at, comma), quoted: false });
      if (comma < 0) return cells;
      at = comma + 1;
      continue;
    }
    let text = '';
    for (at++; ; at++) {
      const quote = record.indexOf('"', at);
      if (quote < 0) return `the quotes of cell ${cells.length + 1} are never closed`;
      text += record.slice(at, quote);
      at = quote + 1;
      if (record[at] !== '"') break;
      text += '"';
    }
    cells.push({ text, quoted: true });
    if (at >= record.length) return cells;
    if (record[at] !== ',')
      return `something stands behind the closing quote of cell ${cells.length}; a quote in a text is written twice`;
    at++;
  }
}

/** With a line end. Cells are quoted where they are said to be, and where they would not be read back without. */
export function writeCells(cells: readonly Cell[]): string {
  const texts = cells.map(({ text, quoted }) => (quoted || SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text));
  return `${texts.join(',')}\n`;
}

const SPECIAL = /[",\r\n]/;
