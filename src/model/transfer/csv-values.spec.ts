import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { readEntity } from '../document/read-entity.js';
import { type Cell, readCells, writeCells } from './csv-cells.js';
import { cellOf, csvColumns } from './csv-values.js';

const entity = readEntity('Sample', {
  type: 'object',
  properties: {
    text: { type: ['string', 'null'] },
    plain: { type: 'string' },
    whole: { type: ['integer', 'null'] },
    number: { type: 'number' },
    yes: { type: 'boolean' },
    list: { type: 'array' },
    mixed: { type: ['string', 'integer', 'null'] },
  },
});

const NAMES = ['text', 'plain', 'whole', 'number', 'yes', 'list', 'mixed', '_extra'];
const JSON_NAMES = new Set(['list', 'mixed']);
const NONE: ReadonlySet<string> = new Set();

const cell = (text: string, quoted = false): Cell => ({ text, quoted });
const faultsOf = (names: readonly string[], cells: readonly Cell[], ignored = NONE): string[] =>
  csvColumns(entity, names, ignored)
    .recordOf(cells)
    .faults.map(({ pointer, rule }) => `${pointer} ${rule}`);

describe('csvColumns', () => {
  it('refuses names that no column can have, and cells that no value can be', () => {
    const strict = readEntity('Strict', { type: 'object', properties: { a: {} }, additionalProperties: false });
    expect(csvColumns(strict, ['a', 'b', 'a', '', '__proto__', 'id'], NONE).faults.map(({ pointer }) => pointer)).toEqual([
      '/b',
      '/a',
      '/',
      '/__proto__',
    ]);
    expect(csvColumns(strict, ['a', 'b'], new Set(['b'])).faults).toEqual([]);
    expect(faultsOf(['whole', 'list', 'plain'], [cell('9007199254740993'), cell('{'), cell('a\u0000b')])).toEqual([
      '/whole precision',
      '/list json',
      '/plain unicode',
    ]);
    expect(faultsOf(['list'], [cell('[9007199254740993]')])[0]).toMatch(/^\/list\/0 /);
    expect(faultsOf(['text', 'whole'], [cell('a')])).toEqual([' cells']);
    expect(faultsOf(['text', '_extra'], [cell('a'), cell('{"text":"b"}')])).toEqual(['/_extra/text additionalProperties']);
    expect(faultsOf(['_extra'], [cell('[]')])).toEqual(['/_extra type']);
  });

  it('leaves to validation what is merely of another type', () => {
    const { record, faults } = csvColumns(entity, ['whole', 'yes', 'number'], NONE).recordOf([
      cell('01'),
      cell('maybe'),
      cell('1,5'),
    ]);
    expect([record, faults]).toEqual([{ whole: '01', yes: 'maybe', number: '1,5' }, []]);
  });

  it('reads what is encrypted as what it is', () => {
    const sealed = readEntity('Sealed', {
      type: 'object',
      properties: Object.fromEntries(
        Object.entries(entity.document.properties as Record<string, JsonObject>).map(([name, schema]) => {
          return [name, { ...schema, encrypted: true }];
        }),
      ),
    });
    const cells = [cell('a'), cell('null'), cell('7'), cell('1.5'), cell('true'), cell('[1]'), cell('"x"')];
    const { record, faults } = csvColumns(sealed, NAMES.slice(0, 7), NONE).recordOf(cells);
    expect(faults).toEqual([]);
    expect(record).toEqual({ text: 'a', plain: 'null', whole: 7, number: 1.5, yes: true, list: [1], mixed: 'x' });
    expect(csvColumns(sealed, ['whole'], NONE).recordOf([cell('9007199254740993')]).faults).toMatchObject([
      { rule: 'precision' },
    ]);
  });

  it('tells absent, null, empty and the text null apart', () => {
    const read = (given: Cell) => csvColumns(entity, ['text', 'plain'], NONE).recordOf([given, given]).record;
    expect(read(cell(''))).toEqual({});
    expect(read(cell('', true))).toEqual({ text: '', plain: '' });
    expect(read(cell('null'))).toEqual({ text: null, plain: 'null' });
    expect(read(cell('null', true))).toEqual({ text: 'null', plain: 'null' });
  });

  it('gives back every record that was written', () => {
    const text = fc.oneof(fc.constantFrom('', 'null', 'true', '1', '"', '{}'), fc.string({ unit: 'grapheme' }));
    const json = fc
      .jsonValue({ maxDepth: 2 })
      .filter((value) => !/__proto__|-0|\\u0000/.test(JSON.stringify([value, Object.is(value, -0)])));
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value));
    const members = fc.record(
      {
        ...{ text: fc.option(text), plain: text, whole: fc.option(fc.maxSafeInteger()), number: finite, yes: fc.boolean() },
        ...{ list: fc.array(json), mixed: fc.oneof(text, fc.integer(), fc.constant(null)), 'not declared': json },
      },
      { requiredKeys: [] },
    );
    const columns = csvColumns(entity, NAMES, NONE);
    fc.assert(
      fc.property(members, (given) => {
        // As a record comes out of the store: through JSON.
        const record = JSON.parse(JSON.stringify(given)) as Record<string, JsonValue>;
        if (/\\u0000|\\ud[89a-f]/.test(JSON.stringify(record)) || /:-0[,}\]]/.test(JSON.stringify(record))) return;
        const { 'not declared': undeclared, ...declared } = record;
        const extra: JsonObject | undefined = undeclared === undefined ? undefined : { 'not declared': undeclared };
        const cells = NAMES.map((name) =>
          cellOf(name === '_extra' ? extra : declared[name], JSON_NAMES.has(name) || name === '_extra'),
        );
        const read = readCells(writeCells(cells).slice(0, -1));
        expect(columns.recordOf(read as readonly Cell[])).toEqual({ record, faults: [] });
      }),
    );
  });
});
