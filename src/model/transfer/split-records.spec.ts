import fc from 'fast-check';
import { readCells, writeCells } from './csv-cells.js';
import { type RawRecord, RecordSplitter, type TransferFormat } from './split-records.js';

/** The body in pieces of these sizes, the last of which repeats. */
function split(format: TransferFormat, body: Buffer, limit: number, sizes: readonly number[]): RawRecord[] {
  const splitter = new RecordSplitter(format, limit);
  const records: RawRecord[] = [];
  for (let at = 0, turn = 0; at < body.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    records.push(...splitter.push(body.subarray(at, at + size)));
    at += size;
  }
  const last = splitter.end();
  return last ? [...records, last] : records;
}

const texts = (records: readonly RawRecord[]) => records.map(({ bytes }) => bytes?.toString() ?? null);
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

describe('RecordSplitter', () => {
  it('holds of a record beyond the limit nothing but a digest, and goes on behind it', () => {
    const records = split('ndjson', Buffer.from(`${'x'.repeat(50)}\nok\n`), 10, [4]);
    expect(records).toMatchObject([
      { line: 1, size: 51, bytes: null },
      { line: 2, size: 3 },
    ]);
    expect(records[0]?.mark).toHaveLength(32);
    expect(split('ndjson', Buffer.from(`${'y'.repeat(50)}\nok\n`), 10, [4])[0]?.mark).not.toEqual(records[0]?.mark);
    expect(split('ndjson', Buffer.from(`${'x'.repeat(50)}\nok\n`), 10, [7])[0]?.mark).toEqual(records[0]?.mark);
  });

  it('keeps every byte in order, however it arrives', () => {
    fc.assert(
      fc.property(fc.constantFrom('ndjson', 'csv'), fc.uint8Array(), sizes, (format, bytes, pieces) => {
        const body = Buffer.from(bytes);
        const records = split(format, body, 1_000, pieces);
        expect(Buffer.concat(records.map(({ bytes: own }) => own as Buffer))).toEqual(body);
        expect(records.map(({ size }) => size)).toEqual(records.map(({ bytes: own }) => own?.length));
      }),
    );
  });

  it('cuts NDJSON at every line end, and CSV at those outside quotes', () => {
    expect(texts(split('ndjson', Buffer.from('{"a":"\\n"}\r\n\n"x'), 100, [3]))).toEqual(['{"a":"\\n"}\r\n', '\n', '"x']);
    const csv = 'a,"b\n""c""\n",d\n5" pipe,x\n"",y';
    const records = split('csv', Buffer.from(csv), 100, [2]);
    expect(texts(records)).toEqual(['a,"b\n""c""\n",d\n', '5" pipe,x\n', '"",y']);
    expect(records.map(({ line, lastLine }) => [line, lastLine])).toEqual([
      [1, 3],
      [4, 4],
      [5, 5],
    ]);
  });

  it('finds the records of CSV that were written, whatever their cells hold', () => {
    const hostile = fc.array(fc.constantFrom('"', ',', '\n', '\r', 'a', ' ', '\uFEFF', 'é', '=')).map((parts) => parts.join(''));
    const cell = fc.record({ text: hostile, quoted: fc.boolean() });
    const table = fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(table, sizes, (rows, pieces) => {
        const body = Buffer.from(rows.map(writeCells).join(''));
        const records = split('csv', body, 10_000, pieces);
        expect(texts(records)).toEqual(rows.map(writeCells));
        const found = records.map(({ bytes }) => readCells((bytes as Buffer).toString().slice(0, -1)));
        expect(found).toEqual(
          rows.map((cells) => cells.map(({ text, quoted }) => ({ text, quoted: quoted || /[",\r\n]/.test(text) }))),
        );
      }),
    );
  });
});
