/** Filters on ranges, from the query string to SQL and its parameters. */

import { Problem } from '../../platform/problem.js';
import type { Entity } from '../entity.js';
import { RANGE_TYPES } from '../values/range.js';
import type { ReadWriter } from '../values/read-writer.js';
import { parseReadQuery } from './parse-read-query.js';
import { readStatement } from './read-statement.js';
import { EntityGraph } from './relationships.js';
import { HOME, TRACK } from './track.fixture.js';

type Params = readonly (readonly [string, string])[];

const [first] = TRACK.properties;
const ENTITY: Entity = {
  ...TRACK,
  properties: RANGE_TYPES.map((type) => ({ ...first!, name: type, column: type, type, required: false })),
};
const WRITER: ReadWriter = { cells: [{ kind: 'column', column: 'id' }], members: [], names: [], keptBack: [], write: String };

function list(params: Params) {
  const { text, values } = readStatement(
    HOME,
    parseReadQuery(new EntityGraph(new Map()), ENTITY, params, { maxRows: 9, count: null }),
    WRITER,
  );
  const lines = text.split('\n').filter((line) => line.startsWith('  and '));
  return { sql: lines.map((line) => line.slice(6)).join(' '), values: values.slice(1, -2) };
}

function refused(name: string, term: string): string {
  try {
    list([[name, term]]);
  } catch (error) {
    if (error instanceof Problem) return error.detail;
    throw error;
  }
  throw new Error(`${name}=${term} is not refused`);
}

describe('a filter on a range is refused', () => {
  it.each([
    ['int8range', 'eq.[5,1)', 'must be a range of integers such as [1,5), [1,) or empty.'],
    ['int8range', 'ov.5', 'position 4: the value compared with "int8range" must be a range of integers'],
    ['int8range', 'cd.5', 'must be a range of integers'],
    ['int8range', 'sl.{1,5}', 'must be a range of integers'],
    ['int8range', 'cs.{1,5}', 'or empty; or an integer between -9223372036854775808 and 9223372036854775807.'],
    ['int8range', 'ov.[1,9223372036854775807]', 'must be a range of integers'],
    ['int8range', 'eq.(9223372036854775807,)', 'must be a range of integers'],
    ['int8range', 'eq.[1,9223372036854775808)', 'must be a range of integers'],
    ['int8range', 'eq.[1.5,2)', 'must be a range of integers'],
    ['int8range', 'eq.["",2)', 'must be a range of integers'],
    ['int8range', 'in.(1,5)', 'must be a range of integers'],
    ['int8range', 'in.([1,5)[7,9))', 'a comma or ) is expected here'],
    ['numrange', 'eq.[1e5,)', 'must be a range of decimals'],
    ['numrange', 'eq.[NaN,)', 'must be a range of decimals'],
    ['daterange', 'eq.[2024-02-30,)', 'must be a range of dates'],
    ['daterange', 'eq.[today,)', 'must be a range of dates'],
    ['daterange', 'eq.[,infinity)', 'must be a range of dates'],
    ['tsrange', 'eq.[2024-01-01T00:00:00Z,)', 'must be a range of date-times without offset'],
    ['tstzrange', 'eq.[2024-01-01T00:00:00.1234567Z,)', 'must be a range of RFC 3339 date-times'],
    ['tstzrange', 'eq.[0001-01-01T00:00:00+01:00,)', 'must be a range of RFC 3339 date-times'],
    ['tstzrange', 'eq.[,9999-12-31T23:00:00-01:00)', 'must be a range of RFC 3339 date-times'],
    ['int8range', 'like.*', 'like needs a text; "int8range" is int8range.'],
    ['int8range', 'fts.a', 'fts searches texts; "int8range" is int8range.'],
    ['int8range', 'is.true', 'is.true needs a boolean'],
    ['int8range', 'ov(any).{"[1,5)"}', 'ov takes no such modifier.'],
    ['int8range->a', 'eq.1', '-> looks inside JSON, and "int8range" is int8range.'],
    ['select', 'int8range.max()', 'there is no max() of "int8range", which is int8range.'],
    ['select', 'int8range.sum()', 'there is no sum() of "int8range"'],
    ['select', 'int8range::int8range', 'there is no cast to "int8range"'],
  ])('%s=%s', (name, term, detail) => {
    expect(refused(name, term)).toContain(detail);
  });
});

describe('a filter on a range', () => {
  it.each([
    ['eq.[1,5]', '"int8range" = $2::int8range', '[1,6)'],
    ['neq.empty', '"int8range" <> $2::int8range', 'empty'],
    ['lt. [ 1 , 5 ) ', '"int8range" < $2::int8range', '[1,5)'],
    ['gte.("1",)', '"int8range" >= $2::int8range', '[2,)'],
    ['isdistinct.EMPTY', '"int8range" is distinct from $2::int8range', 'empty'],
    ['cs.[1,5)', '"int8range" @> $2::int8range', '[1,5)'],
    ['cs.5', '"int8range" @> $2::bigint', '5'],
    ['cs.empty', '"int8range" @> $2::int8range', 'empty'],
    ['cd.(1,5]', '"int8range" <@ $2::int8range', '[2,6)'],
    ['ov.(,)', '"int8range" && $2::int8range', '(,)'],
    ['sl.[1,5)', '"int8range" << $2::int8range', '[1,5)'],
    ['sr.[1,5)', '"int8range" >> $2::int8range', '[1,5)'],
    ['nxl.[1,5)', '"int8range" &> $2::int8range', '[1,5)'],
    ['nxr.[1,5)', '"int8range" &< $2::int8range', '[1,5)'],
    ['adj.[1,5)', '"int8range" -|- $2::int8range', '[1,5)'],
    ['not.adj.[1,5)', 'not ("int8range" -|- $2::int8range)', '[1,5)'],
    ['in.([1,5),(7,9],"[1,2)",empty)', '"int8range" = any($2::int8range[])', '{"[1,5)","[8,10)","[1,2)","empty"}'],
    ['eq(any).{[1,5),"(,3)"}', '"int8range" = any($2::int8range[])', '{"[1,5)","(,3)"}'],
    ['gt(all).{[1,5)}', '"int8range" > all($2::int8range[])', '{"[1,5)"}'],
  ])('int8range=%s', (term, sql, value) => {
    expect(list([['int8range', term]])).toEqual({ sql, values: [value] });
  });

  it('is found among others, with and without quotes', () => {
    expect(list([['or', '(int8range.ov.[1,5),not.and(int8range.cs.3,int8range.eq."(1,2]"),int8range.cs.(7,9))']])).toEqual({
      sql:
        '("int8range" && $2::int8range or not ("int8range" @> $3::bigint and "int8range" = $4::int8range)' +
        ' or "int8range" @> $5::int8range)',
      values: ['[1,5)', '3', '[2,3)', '[8,9)'],
    });
  });

  it.each([
    ['numrange', 'cs.1.50', '"numrange" @> $2::numeric', '1.50'],
    ['numrange', 'eq.[.5,1.)', '"numrange" = $2::numrange', '[0.5,1)'],
    ['daterange', 'cs.2024-05-31', '"daterange" @> $2::date', '2024-05-31'],
    ['daterange', 'ov.[2024-05-31,9999-12-31]', '"daterange" && $2::daterange', '[2024-05-31,10000-01-01)'],
    [
      'tsrange',
      'ov.[2024-05-31 12:00, 2024-05-31 13:00)',
      '"tsrange" && $2::tsrange',
      '[2024-05-31T12:00:00,2024-05-31T13:00:00)',
    ],
    ['tsrange', 'cs.2024-05-31 12:00', '"tsrange" @> $2::timestamp', '2024-05-31T12:00'],
    [
      'tstzrange',
      'ov.["2024-05-31 12:00:00","2024-05-31T14:00:00.500+01:00")',
      '"tstzrange" && $2::tstzrange',
      '[2024-05-31T12:00:00Z,2024-05-31T13:00:00.5Z)',
    ],
    ['tstzrange', 'eq.[2024-05-31,)', '"tstzrange" = $2::tstzrange', '[2024-05-31T00:00:00Z,)'],
  ])('%s=%s', (name, term, sql, value) => {
    expect(list([[name, term]])).toEqual({ sql, values: [value] });
  });
});
