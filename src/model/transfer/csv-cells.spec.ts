import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { readCells, writeCells } from './csv-cells.js';

describe('readCells', () => {
  it('refuses what no reader understands in one way only', () => {
    expect(readCells('a,"b')).toBe('the quotes of cell 2 are never closed');
    expect(readCells('"a"b,c')).toContain('something stands behind the closing quote of cell 1');
  });

  it('knows an empty text from nothing', () => {
    expect(readCells('"",,')).toEqual([
      { text: '', quoted: true },
      { text: '', quoted: false },
      { text: '', quoted: false },
    ]);
    expect(readCells('')).toEqual([{ text: '', quoted: false }]);
    expect(readCells('5" pipe')).toEqual([{ text: '5" pipe', quoted: false }]);
  });
});

it('writeCells writes what another reader of RFC 4180 reads as the same', () => {
  const text = fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r\n', 'a', ' ', '=', 'ñ', "'") });
  fc.assert(
    fc.property(fc.array(fc.record({ text, quoted: fc.boolean() }), { minLength: 2, maxLength: 5 }), (cells) => {
      expect(parse(writeCells(cells))).toEqual([cells.map((cell) => cell.text)]);
    }),
  );
});
