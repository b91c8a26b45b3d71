import type { ReadWriter } from '../values/read-writer.js';
import { parseReadQuery } from './parse-read-query.js';
import { readRows, readStatement } from './read-statement.js';
import { EntityGraph } from './relationships.js';
import { HOME, TRACK } from './track.fixture.js';

type Params = readonly (readonly [string, string])[];

const ALONE = new EntityGraph(new Map());

function list(params: Params, hasTotal = false) {
  return readStatement(HOME, parse(params, hasTotal), columns('id', 'name', 'a_b_1'));
}

function parse(params: Params, hasTotal = false) {
  return parseReadQuery(ALONE, TRACK, params, { maxRows: 100, count: hasTotal ? 'exact' : null });
}

/** A writer of plain columns. */
function columns(...names: string[]): ReadWriter {
  return { cells: names.map((column) => ({ kind: 'column', column })), members: [], names: [], keptBack: [], write: String };
}

/** The lines between the tenant's and the order's. */
function conditions(...params: Params): string[] {
  const lines = list(params).text.split('\n');
  expect(lines[2]).toBe('where tenant_id = $1');
  return lines
    .slice(
      3,
      lines.findIndex((line) => line.startsWith('order by')),
    )
    .map((line) => line.replace(/^ {2}and /, ''));
}

describe('readStatement', () => {
  test('asks for one page of the tenant, by explicit columns', () => {
    expect(list([])).toEqual({
      text: `select "id", "name", "a_b_1"
from "t_k3x9"."track"
where tenant_id = $1
order by "id"
limit $2::bigint
offset $3::bigint`,
      values: [HOME.tenantId, '100', '0'],
    });
  });

  test('filters, sorts and pages', () => {
    expect(
      list([
        ['AlbumId', 'gte.10'],
        ['Name', 'not.ilike.*love*'],
        ['or', '(UnitPrice.lt.1.99,and(Explicit.is.true,Credits.not.is.null))'],
        ['order', 'Name.desc.nullslast,AlbumId'],
        ['limit', '20'],
        ['offset', '40'],
      ]),
    ).toEqual({
      text: `select "id", "name", "a_b_1"
from "t_k3x9"."track"
where tenant_id = $1
  and "album_id" >= $2::bigint
  and not ("name" ilike $3::text)
  and ("unit_price" < $4::numeric or ("explicit" is true and not ("credits" is null)))
order by "name" desc nulls last, "album_id", "id"
limit $5::bigint
offset $6::bigint`,
      values: [HOME.tenantId, '10', '%love%', '1.99', '20', '40'],
    });
  });

  test('counts in the same statement, for the same filter, whatever the page', () => {
    expect(
      list(
        [
          ['Name', 'eq.a'],
          ['order', 'AlbumId.desc'],
          ['limit', '5'],
        ],
        true,
      ),
    ).toEqual({
      text: `select total.count, page."id", page."id", page."name", page."a_b_1"
from (
  select count(*) as count
  from "t_k3x9"."track"
  where tenant_id = $1
    and "name" = $2::text
) as total
left join (
  select "id", "name", "a_b_1", "album_id"
  from "t_k3x9"."track"
  where tenant_id = $1
    and "name" = $2::text
  order by "album_id" desc, "id"
  limit $3::bigint
  offset $4::bigint
) as page on true
order by page."album_id" desc, page."id"`,
      values: [HOME.tenantId, 'a', '5', '0'],
    });
  });

  test('writes each operator', () => {
    expect(
      conditions(
        ['Name', 'eq.a'],
        ['Name', 'neq.a'],
        ['Rating', 'gt.1'],
        ['Recorded', 'gte.2024-01-01'],
        ['PlayedAt', 'lt.2024-01-01'],
        ['Start', 'lte.12:00'],
        ['Name', 'like.a*'],
        ['Owner', 'in.()'],
        ['Cover', 'eq.aGk='],
        ['Source', 'eq.::1'],
        ['Explicit', 'eq.true'],
        ['Remind', 'not.eq.2024-01-01'],
        ['Explicit', 'is.false'],
        ['Explicit', 'is.unknown'],
        ['Name', 'is.not_null'],
      ),
    ).toEqual([
      '"name" = $2::text',
      '"name" <> $3::text',
      '"rating" > $4::double precision',
      '"recorded" >= $5::date',
      '"played_at" < $6::timestamptz',
      '"start" <= $7::time',
      '"name" like $8::text',
      '"owner" = any($9::uuid[])',
      '"cover" = $10::bytea',
      '"source" = $11::inet',
      '"explicit" = $12::boolean',
      'not ("remind" = $13::timestamp)',
      '"explicit" is false',
      '"explicit" is unknown',
      '"name" is not null',
    ]);
  });

  test('keeps groups together', () => {
    expect(conditions(['or', '(AlbumId.eq.1,AlbumId.eq.2)'], ['not.or', '(AlbumId.eq.3,AlbumId.eq.4)'])).toEqual([
      '("album_id" = $2::bigint or "album_id" = $3::bigint)',
      'not ("album_id" = $4::bigint or "album_id" = $5::bigint)',
    ]);
    expect(conditions(['or', '(and(AlbumId.eq.1,or(Name.eq.a,Name.eq.b)),not.and(Name.eq.c))'])).toEqual([
      '(("album_id" = $2::bigint and ("name" = $3::text or "name" = $4::text)) or not ("name" = $5::text))',
    ]);
    expect(conditions(['or', '(or(Name.eq.a))'])).toEqual(['"name" = $2::text']);
  });

  test('has the same text for lists of any length, and values only as parameters', () => {
    const short = list([['AlbumId', 'in.(1)']]);
    const long = list([['AlbumId', `in.(${Array.from({ length: 500 }, (_, i) => i).join(',')})`]]);
    expect(long.text).toBe(short.text);
    expect(short.values[1]).toBe('{"1"}');
    const hostile = `'; drop table track; -- " \\`;
    const statement = list([
      ['Name', `eq.${hostile}`],
      ['Name', `in.("${hostile.replace(/["\\]/g, '\\$&')}")`],
    ]);
    expect(statement.text).not.toContain('drop');
    expect(statement.values.slice(1, 3)).toEqual([hostile, `{"'; drop table track; -- \\" \\\\"}`]);
  });

  test('quotes every identifier', () => {
    const home = { ...HOME, schema: 't"x' };
    const { text } = readStatement(home, { ...parse([]), entity: { ...TRACK, table: 'ta"ble' } }, columns('co"l'));
    expect(text).toContain('select "co""l"\nfrom "t""x"."ta""ble"\n');
  });
});

describe('readRows', () => {
  const query = (hasTotal: boolean) => parse([], hasTotal);

  test('finds the total of an empty page', () => {
    expect(readRows(query(true), [['41', null, null, null]])).toEqual({ total: 41, rows: [] });
  });

  test('takes total and marker off each row, and keeps NULLs', () => {
    expect(
      readRows(query(true), [
        ['2', 'x', 'x', null],
        ['2', 'y', 'y', 'b'],
      ]),
    ).toEqual({
      total: 2,
      rows: [
        ['x', null],
        ['y', 'b'],
      ],
    });
  });

  test('leaves rows alone when nothing was counted', () => {
    expect(readRows(query(false), [['x', null]])).toEqual({ rows: [['x', null]] });
  });
});
