/**
 * The promise of a type change, on every pair of column types that has a rule: no value says anything else afterwards, the way
 * back gives the identical old value, and what could not be converted is counted and never an error.
 */

import fc from 'fast-check';
import pg from 'pg';
import { columnType } from '../../src/model/ddl/column.js';
import { type Conversion, conversionBetween } from '../../src/model/plan/conversion/conversion.js';
import { RANGE_TYPES } from '../../src/model/values/range.js';
import { jsonText } from '../../src/model/values/values.js';
import { createTestDatabase, type TestDatabase } from '../harness/database.js';
import { generatedValues } from './conversion-arbitrary.js';
import { edgeValues } from './conversion-edges.js';
import { contentOf, converted, isNumber, type Kind, plain } from './conversion-oracle.js';

const numeric = (precision: number, scale: number): Kind => ({ type: 'numeric', precision, scale });
const KINDS: readonly Kind[] = [
  ...(['text', 'uuid', 'date', 'timestamptz', 'timestamp', 'time', 'inet', 'bytea'] as const).map((type) => ({ type })),
  ...(['bigint', 'double precision', 'boolean', 'jsonb', 'numeric'] as const).map((type) => ({ type })),
  ...RANGE_TYPES.map((type) => ({ type })),
  ...[numeric(10, 2), numeric(12, 2), numeric(10, 1), numeric(14, 6), numeric(16, 0), numeric(3, 3)],
  // Has room for every double, and for more.
  numeric(1000, 400),
];

interface Pair {
  readonly name: string;
  readonly before: Kind;
  readonly after: Kind;
  readonly forth: Conversion;
  readonly back: Conversion;
}

const PAIRS: readonly Pair[] = KINDS.flatMap((before) =>
  KINDS.flatMap((after) => {
    const [forth, back] = [conversionBetween(before, after), conversionBetween(after, before)];
    if (!forth) return [];
    if (!back) throw new Error(`there is no way back from ${columnType(after)} to ${columnType(before)}`);
    return [{ name: `${columnType(before)} to ${columnType(after)}`, before, after, forth, back }];
  }),
);

let database: TestDatabase;
/** Gives every value as the text that Postgres prints. */
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  const types = { getTypeParser: () => (text: string) => text };
  client = new pg.Client({ connectionString: database.controlUrl, types });
  await client.connect();
  await client.query('create schema conversions');
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

function fits(conversion: Conversion, old: string): string {
  return `(${conversion.fits?.(old) ?? 'true'})`;
}

interface Row {
  readonly old: string;
  readonly fits: 't' | 'f';
  readonly fresh: string | null;
  readonly returns: 't' | 'f' | null;
  readonly again: string | null;
}

/** Each value as the old type prints it; whether it fits, what it becomes, whether that fits back, and what comes back. */
async function convert({ before, after, forth, back }: Pair, values: readonly string[]): Promise<Row[]> {
  const sql = `
    with source as materialized (
      select at, value::${columnType(before)} as old
      from unnest($1::text[]) with ordinality as u (value, at)
    ),
    converted as materialized (
      select
        at,
        old,
        ${fits(forth, 'old')} as fits,
        case when ${fits(forth, 'old')} then ${forth.using('old')}::${columnType(after)} end as fresh
      from source
    )
    select
      old,
      fits,
      fresh,
      ${fits(back, 'fresh')} as returns,
      case when ${fits(back, 'fresh')} then ${back.using('fresh')} end as again
    from converted
    order by at`;
  const { rows } = await client.query<Row>(sql, [values]);
  return rows;
}

/** What Postgres prints for a double. */
const printedDoubles = new Map<number, string>();

async function askForDoubles(values: readonly number[]): Promise<void> {
  const unknown = [...new Set(values)].filter((value) => Number.isFinite(value) && !printedDoubles.has(value));
  if (unknown.length === 0) return;
  const sql = 'select value from unnest($1::float8[]) with ordinality as u (value, at) order by at';
  const { rows } = await client.query<{ value: string }>(sql, [unknown]);
  for (const [index, { value }] of rows.entries()) printedDoubles.set(unknown[index] as number, value);
}

async function expectPromise(pair: Pair, values: readonly string[]): Promise<void> {
  const { before, after } = pair;
  // jsonb prints strings and numbers in its own way: the same JSON.
  const shown = (json: string) => (after.type === 'jsonb' ? sameJson(json) : json);
  const rows = await convert(pair, values);
  const olds = rows.map(({ old }) => jsonText(before.type, old));
  await askForDoubles([0, ...olds.map(contentOf).filter(isNumber).map(Number)]);
  const found = rows.map(({ fits, fresh, returns, again }, index) => {
    if (fits === 'f' || fresh === null) return { json: olds[index] };
    return { json: olds[index], becomes: shown(jsonText(after.type, fresh)), again: returns === 't' ? again : 'nothing' };
  });
  const expected = rows.map(({ old }, index) => {
    const becomes = converted(before, after, olds[index] as string, printedDoubles);
    return becomes === undefined ? { json: olds[index] } : { json: olds[index], becomes: shown(becomes), again: old };
  });
  const wrong = expected.findIndex((row, index) => JSON.stringify(row) !== JSON.stringify(found[index]));
  if (wrong >= 0) expect(found[wrong]).toEqual(expected[wrong]);
}

function sameJson(json: string): string {
  return isNumber(json) ? (plain(json) ?? json) : JSON.stringify(JSON.parse(json));
}

describe('a type change', () => {
  it('is tried as a login that is no superuser, on the session settings of the store', async () => {
    const { rows } = await client.query(
      `select usesuper, current_setting('TimeZone') as zone, current_setting('extra_float_digits') as digits
       from pg_user
       where usename = session_user`,
    );
    expect(rows).toEqual([{ usesuper: 'f', zone: 'UTC', digits: '1' }]);
  });

  it.each(['text', 'jsonb'] as const)(
    'of %s meets no error when a parameter is folded like a constant',
    async (type) => {
      const pairs = PAIRS.filter(({ before }) => before.type === type);
      const conditions = (old: string) => pairs.map(({ forth }, index) => `${fits(forth, old)} as "${index}"`).join(', ');
      const values = edgeValues({ type });
      const { rows: expected } = await client.query(
        `select ${conditions('old')}
       from (select at, value::${type} as old from unnest($1::text[]) with ordinality as u (value, at)) as source
       order by at`,
        [values],
      );
      for (const [index, value] of values.entries()) {
        const { rows } = await client.query(`select ${conditions(`$1::${type}`)}`, [value]);
        expect({ value, ...rows[0] }).toEqual({ value, ...expected[index] });
      }
    },
    60_000,
  );

  it.each<[Kind, Kind, Record<string, string | null>]>([
    [{ type: 'bigint' }, numeric(10, 2), { 7: '7.00', 0: '0.00', 99999999: '99999999.00', 100000000: null }],
    [{ type: 'double precision' }, numeric(10, 2), { 7: '7.00', 12.5: '12.50', 12.34: '12.34', 12.345: null }],
    [{ type: 'double precision' }, numeric(8, 2), { 999999.99: '999999.99', 1e6: null, 999999.995: null, 0.001: null }],
    [numeric(10, 2), { type: 'double precision' }, { '7.00': '7', '12.50': '12.5', '-0.10': '-0.1' }],
    [numeric(10, 2), { type: 'bigint' }, { '7.00': '7', '-7.00': '-7', '7.10': null, '0.01': null }],
    [numeric(20, 2), { type: 'bigint' }, { '9007199254740991.00': '9007199254740991', '9007199254740992.00': null }],
    [numeric(20, 2), { type: 'double precision' }, { '9007199254740993.00': null, '9007199254740992.00': '9007199254740992' }],
    [numeric(18, 2), { type: 'double precision' }, { '9007199254740990.50': null, '4503599627370495.50': '4503599627370495.5' }],
    [{ type: 'numeric' }, { type: 'double precision' }, { '7': '7', '7.00': null, '12.50': null }],
    [{ type: 'numeric' }, { type: 'bigint' }, { '7': '7', '7.00': null }],
    [{ type: 'numeric' }, numeric(10, 2), { '1.50': '1.50', '1.5': null, '7': null }],
  ])('from %j to %j keeps the number, with the zeros that a scale prints', async (before, after, becomes) => {
    const [forth, back] = [conversionBetween(before, after), conversionBetween(after, before)] as [Conversion, Conversion];
    const rows = await convert({ name: '', before, after, forth, back }, Object.keys(becomes));
    const found = rows.map(({ old, fresh, again }) => ({
      old: jsonOf(before, old),
      fresh: fresh && jsonOf(after, fresh),
      again,
    }));
    expect(found).toEqual(
      rows.map(({ old }) => {
        const fresh = becomes[jsonOf(before, old)];
        return { old: jsonOf(before, old), fresh, again: fresh === null ? null : old };
      }),
    );
  });

  describe.each(PAIRS)('from $name', (pair) => {
    it('keeps what edge values say, or counts them', async () => {
      await expectPromise(pair, edgeValues(pair.before));
    }, 30_000);

    it('keeps what any value says, or counts it', async () => {
      const values = fc.array(generatedValues(pair.before), { minLength: 1, maxLength: 100, size: 'max' });
      const promise = fc.asyncProperty(values, (some) => expectPromise(pair, some));
      await fc.assert(promise, { numRuns: 5, interruptAfterTimeLimit: 5_000 });
    }, 30_000);

    it('leaves NULL alone', async () => {
      const old = `null::${columnType(pair.before)}`;
      const { rows } = await client.query(`select ${fits(pair.forth, old)} as fits, ${pair.forth.using(old)} is null as stays`);
      expect(rows[0].fits).not.toBe('f');
      expect(rows[0].stays).toBe('t');
    });

    it('can stand in a constraint, and rewrites the table when it says so', async () => {
      const { before, after, forth } = pair;
      const [was, is] = [columnType(before), columnType(after)];
      const source = `(select value::${was} as old from unnest($1::text[]) as u (value)) as source`;
      await client.query(`create table conversions.one (old ${was}, constraint fit check ${fits(forth, 'old')})`);
      await client.query(`insert into conversions.one select old from ${source} where ${fits(forth, 'old')}`, [
        edgeValues(before),
      ]);
      const file = await fileOfTable();
      await client.query(
        `alter table conversions.one drop constraint fit, alter column old type ${is} using ${forth.using('old')}`,
      );
      expect({ rewrites: (await fileOfTable()) !== file }).toEqual({ rewrites: forth.rewrites });
      await client.query('drop table conversions.one');
    });
  });
});

/** Without quotes. */
function jsonOf({ type }: Kind, printed: string): string {
  return contentOf(jsonText(type, printed));
}

async function fileOfTable(): Promise<string> {
  const { rows } = await client.query(`select pg_relation_filenode('conversions.one'::regclass) as file`);
  return rows[0].file;
}
