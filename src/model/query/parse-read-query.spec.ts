import fc from 'fast-check';
import { Problem } from '../../platform/problem.js';
import type { ReadQuery } from './ast.js';
import { parseReadQuery, type ReadOptions } from './parse-read-query.js';
import { EntityGraph } from './relationships.js';
import { TRACK } from './track.fixture.js';

/** Any UTF-16 code unit, lone surrogates included; fast-check's own 'binary' takes seconds to set up. */
const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit));

type Params = readonly (readonly [string, string])[];

function parse(params: Params, options: Partial<ReadOptions> = {}): ReadQuery {
  return parseReadQuery(new EntityGraph(new Map()), TRACK, params, { maxRows: 100, count: null, ...options });
}

function refusal(params: Params, options: Partial<ReadOptions> = {}): Problem {
  try {
    parse(params, options);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

function detail(...params: Params): string {
  return detailOf('request/invalid-query', params);
}

function detailOf(code: string, params: Params): string {
  const problem = refusal(params);
  expect(problem.code).toBe(code);
  expect(problem.status).toBe(400);
  return problem.detail;
}

/** The conditions of a query. */
const where = (...params: Params) => parse(params).where;
const value = (name: string) => ({
  kind: 'field',
  type: expect.any(String),
  field: { name, column: expect.any(String), type: expect.any(String) },
});

describe('parseReadQuery refuses', () => {
  test('an unknown property, naming the known ones and the nearest', () => {
    const problem = refusal([['Nmae', 'eq.x']]);
    expect(problem.detail).toBe(
      'Query parameter "Nmae": "Track" has no property "Nmae". Did you mean "Name"? Its properties are "id", "created_at", ' +
        '"updated_at", "created_by", "updated_by", "revision", "Name", "AlbumId", "UnitPrice", "Rating", "Explicit", "Recorded", ' +
        '"PlayedAt", "Remind", "Start", "Source", "Cover", "Owner", "Credits", "a.b", "say \\"hi\\", (now)", "order", "or", "kebab-case".',
    );
    expect(problem.extensions).toEqual({ parameter: 'Nmae' });
    expect(detail(['albumid', 'eq.1'])).toContain('Did you mean "AlbumId"?');
    expect(detail(['', ''])).toContain('has no property ""');
  });

  test.each(['tenant_id', '_extra', '__proto__', 'constructor', 'toString', 'name', 'album_id'])(
    'the name %s everywhere',
    (name) => {
      expect(detail([name, 'eq.1'])).toContain('has no property');
      expect(detail(['and', `(${name}.eq.1)`])).toContain('has no property');
      expect(detail(['select', name])).toContain('has no property');
      expect(detail(['order', name])).toContain('has no property');
    },
  );

  test('a write-only property everywhere, and never lists it', () => {
    const message = 'the property "Secret" is write-only: it can be neither selected nor filtered nor sorted on.';
    expect(detail(['Secret', 'eq.x'])).toContain(message);
    expect(detail(['or', '(Secret.is.null)'])).toContain(message);
    expect(detail(['select', 'x:Secret'])).toContain(message);
    expect(detail(['order', 'Secret'])).toContain(message);
    expect(detail(['nope', 'eq.x'])).not.toContain('Secret');
  });

  test('a filter without an operator, and never repeats its value', () => {
    expect(detail(['Name', 'john@example.com'])).toBe(
      'Query parameter "Name", position 1: an operator is expected here; write "Name" followed by operator.value or ' +
        'not.operator.value; operators are eq, neq, gt, gte, lt, lte, like, ilike, match, imatch, isdistinct, in, is, ' +
        'fts, plfts, phfts, wfts, cs, cd, ov, sl, sr, nxl, nxr, adj.',
    );
    expect(detail(['Name', 'equals.x'])).toContain('there is no operator "equals"; write');
    expect(detail(['Name', 'not.not.eq.x'])).toContain('position 5: there is no operator "not"');
    expect(detail(['Name', 'eq'])).toContain('position 3: a dot is expected after the operator eq.');
    expect(detail(['Name', 'EQ.x'])).toContain('an operator is expected here');
    expect(detail(['AlbumId', 'eq.4111111111111111111111'])).not.toContain('4111');
  });

  test('what has no meaning here, by its name', () => {
    expect(detail(['album.Title', 'eq.x'])).toContain('there is no embedded "album" to filter: select album(…) first');
    expect(detail(['a.b', 'eq.x'])).toContain('written in double quotes');
    expect(detail(['Name->>first', 'eq.x'])).toContain('-> looks inside JSON, and "Name" is text.');
    expect(detail(['Credits->>writer->x', 'eq.x'])).toContain('->> ends the path');
    expect(detail(['AlbumId', 'in(any).{1,2}'])).toContain('in takes no such modifier.');
    expect(detail(['AlbumId', 'neq(any).{1,2}'])).toContain('neq takes no (any) and no (all).');
    expect(detail(['AlbumId', 'eq(some).{1,2}'])).toContain('eq takes no such modifier.');
    expect(detail(['AlbumId', 'sl.[1,2)'])).toContain('sl compares ranges; "AlbumId" is bigint.');
    expect(detail(['AlbumId', 'cs.{1}'])).toContain('cs looks inside JSON objects, arrays and ranges; "AlbumId" is bigint.');
    expect(detail(['Credits', 'cs.{a'])).toContain('cs takes a list in braces, such as {a,b}, or JSON');
    expect(detail(['Rating', 'fts.x'])).toContain('fts searches texts; "Rating" is double precision.');
    expect(detail(['Name', 'fts(klingon).x'])).toContain('a text search configuration is expected here: simple, ');
    expect(detail(['select', 'AlbumId.median()'])).toContain('count(), sum(), avg(), min() or max() is expected after the dot');
    expect(detail(['select', 'Name.sum()'])).toContain('there is no sum() of "Name", which is text.');
    expect(detail(['select', 'Owner.max()'])).toContain('there is no max() of "Owner", which is uuid.');
    expect(detail(['select', '*,AlbumId.sum()'])).toContain('records are grouped by what is selected beside an aggregate');
    expect(detail(['select', 'AlbumId::money'])).toContain('position 10: there is no cast to "money"; casts are text, varchar');
    expect(detail(['select', 'AlbumId::text; drop'])).toContain('a comma or the end is expected here');
    expect(detail(['order', 'album(Title)'])).toContain('"album" is not embedded: select album(…) to sort by what it holds.');
    expect(detail(['select', 'AlbumId,count()'], ['order', 'Name'])).toContain('groups are sorted by what is selected');
  });

  test('operators that do not fit the type of the property', () => {
    expect(detail(['AlbumId', 'like.1*'])).toContain('like needs a text; "AlbumId" is bigint.');
    expect(detail(['Name', 'is.true'])).toContain('is.true needs a boolean; "Name" is text.');
    expect(detail(['Name', 'is.nothing'])).toContain('is takes null, not_null, true, false or unknown.');
    for (const term of ['eq.{', 'in.(a)', 'gt.']) {
      expect(detail(['Credits', term])).toContain(
        'the value compared with "Credits" must be JSON, in which a text stands in double quotes',
      );
    }
    expect(detail(['Credits', 'like.*'])).toContain('like needs a text; "Credits" is jsonb.');
    expect(detail(['order', 'Credits'])).toContain(
      '"Credits" holds JSON, which has no order to sort by; sort by something in it, as in data->>size.',
    );
    expect(detail(['Name', 'like.a\\'])).toContain('the pattern ends in a backslash that escapes nothing');
    expect(detail(['Name', 'ilike.a\\\\\\'])).toContain('the pattern ends in a backslash');
  });

  test('a value that is none of its column, with what it must be', () => {
    expect(detail(['AlbumId', 'eq.one'])).toBe(
      'Query parameter "AlbumId", position 4: the value compared with "AlbumId" must be an integer between ' +
        '-9223372036854775808 and 9223372036854775807.',
    );
    expect(detail(['AlbumId', 'eq.null'])).toContain('To find records without a value write is.null.');
    expect(detail(['AlbumId', 'in.(1,2,x)'])).toContain('position 9: the value');
    expect(detail(['or', '(Name.eq.a,UnitPrice.gt.cheap)'])).toContain('position 25: the value compared with "UnitPrice"');
    expect(detail(['revision', 'eq.1.5'])).toContain('"revision" must be an integer');
    expect(detail(['id', 'eq.1'])).toContain('must be a UUID');
  });

  test('broken lists and groups, with the place', () => {
    expect(detail(['AlbumId', 'in.1,2'])).toContain('position 4: a list is expected here, such as (1,2,3).');
    expect(detail(['AlbumId', 'in.(1,2'])).toContain('position 8: a comma or ) is expected here.');
    expect(detail(['Name', 'in.(a)b)'])).toContain('position 7: nothing may follow the )');
    expect(detail(['or', ''])).toContain('position 1: a list in parentheses is expected here');
    expect(detail(['or', 'Name.eq.a'])).toContain('position 1: a list in parentheses');
    expect(detail(['or', '()'])).toContain('position 2: a property name is expected here');
    expect(detail(['or', '(Name.eq.a,)'])).toContain('position 12: a property name is expected here');
    expect(detail(['or', '(Name.eq.a'])).toContain('position 11: a comma or a closing parenthesis is expected here.');
    expect(detail(['or', '(Name.eq.a)x'])).toContain('position 12: nothing may follow');
    expect(detail(['or', '(Name)'])).toContain('position 6: a dot and an operator are expected after "Name"');
    expect(detail(['or', '(xor(Name.eq.a))'])).toContain('groups are and(…), or(…), not.and(…) and not.or(…).');
    expect(detail(['or', '("Name.eq.a)'])).toContain('position 2: a property name is expected here');
  });

  test('broken select, order, limit and offset', () => {
    expect(detail(['select', 'Name,'])).toContain('position 6: a property name is expected here');
    expect(detail(['select', 'a:Name,a:AlbumId'])).toContain('two terms would both be named "a"');
    expect(detail(['select', '*,Name:AlbumId'])).toContain('the name "Name" is taken by a property that * selects; rename one');
    expect(detail(['select', 'a:*'])).toContain('has no property "*"');
    expect(detail(['select', '*x'])).toContain('a comma or the end is expected here');
    expect(detail(['order', ''])).toContain('a property name is expected here');
    expect(detail(['order', 'Name.down'])).toContain('position 5: asc, desc, nullsfirst or nullslast');
    expect(detail(['order', 'Name.descending'])).toContain('position 5: asc, desc');
    expect(detail(['order', 'Name.nullslast.desc'])).toContain('position 15: asc, desc');
    for (const value of ['', '-1', '1.5', 'ten', '1e3', ' 1']) {
      expect(detail(['limit', value])).toBe('Query parameter "limit": a whole number, 0 or more, is expected.');
      expect(detail(['offset', value])).toContain('a whole number, 0 or more, is expected.');
    }
    expect(detail(['limit', '1'], ['limit', '2'])).toContain('"limit" is given more than once.');
    expect(detail(['select', '*'], ['select', 'id'])).toContain('"select" is given more than once.');
  });

  test('a Range that cannot be read', () => {
    for (const range of ['24-0', 'a-b', '-5', '0-1,3-4', '', 'items=', 'items=x']) {
      const problem = refusal([], { range });
      expect(problem.code).toBe('request/invalid-header');
      expect(problem.extensions).toEqual({ header: 'Range' });
      expect(problem.detail).toContain('Range must name the first and the last row');
    }
    const tooFar = refusal([], { range: '1000001-' });
    expect([tooFar.code, tooFar.detail]).toEqual([
      'request/too-complex',
      expect.stringContaining('the first row may be 1000000 at most'),
    ]);
  });

  test('U+0000 and lone surrogates in names and values', () => {
    for (const bad of ['\u0000', '\ud800', '\udc00x']) {
      expect(detail(['Name', `eq.a${bad}`])).toContain('U+0000 and lone surrogates cannot occur');
      expect(detail([`Na${bad}me`, 'eq.a'])).toContain('U+0000 and lone surrogates cannot occur');
      expect(detail(['select', bad])).toContain('U+0000 and lone surrogates cannot occur');
    }
    expect(JSON.stringify(refusal([['\ud800', 'eq.a']]))).not.toContain('ud800');
    expect(where(['Name', 'eq.😀'])).toHaveLength(1);
  });

  test('more than a request may cost', () => {
    const some = (count: number, text: string) => Array.from({ length: count }, () => text).join(',');
    const excess = (...params: Params) => detailOf('request/too-complex', params);
    expect(excess(['or', `(${some(101, 'AlbumId.eq.1')})`])).toContain('a request may hold 100 filter terms at most.');
    expect(excess(...Array.from({ length: 101 }, () => ['AlbumId', 'eq.1'] as const))).toContain('100 filter terms at most');
    expect(excess(['or', `(${some(10_000, 'AlbumId.eq.1')})`])).toBe('The query string may hold 16384 bytes at most.');
    expect(excess(['AlbumId', `in.(${some(1001, '1')})`])).toContain('a list takes 1000 values at most.');
    expect(excess(['AlbumId', `in.(${some(100_000, '1')})`])).toContain('16384 bytes at most');
    expect(excess(['Name', `eq.${'ä'.repeat(8200)}`])).toContain('16384 bytes at most');
    expect(excess(['or', `(${'and('.repeat(10)}AlbumId.eq.1${')'.repeat(11)}`])).toContain(
      'groups may be nested 10 deep at most.',
    );
    expect(excess(['or', `(${'not.or('.repeat(100)}AlbumId.eq.1${')'.repeat(101)}`])).toContain(
      'groups may be nested 10 deep at most.',
    );
    expect(excess(['order', some(17, 'Name')])).toContain('order takes 16 terms at most.');
    expect(excess(['select', some(201, 'Name')])).toContain('select takes 200 terms at most.');
    expect(excess(['offset', '1000001'])).toContain('the offset may be 1000000 at most');
    expect(excess(['offset', '9'.repeat(400)])).toContain('the offset may be 1000000 at most');
  });

  test('a cursor beside whatever else says where a page begins, and of groups', () => {
    expect(detail(['after', 'x'], ['offset', '0'])).toContain('leave offset out');
    expect(detail(['after', 'x'], ['after', 'x'])).toContain('more than once');
    expect(detail(['after', 'x'], ['select', 'count()'])).toContain('groups are no records');
    expect(refusal([['after', 'x']], { range: '0-9' }).detail).toContain('leave the Range header out');
    expect(detail(['after', 'eq.5'], ['after', 'x'], ['offset', '1'])).toContain('"after"');
  });

  test('nothing that lies exactly on a limit', () => {
    const some = (count: number, text: string) => Array.from({ length: count }, () => text).join(',');
    expect(where(['or', `(${some(100, 'AlbumId.eq.1')})`])).toHaveLength(1);
    expect(where(['AlbumId', `in.(${some(1000, '1')})`])).toHaveLength(1);
    expect(where(['or', `(${'and('.repeat(9)}AlbumId.eq.1${')'.repeat(10)}`])).toHaveLength(1);
    expect(parse([['order', some(15, 'Name')]]).order).toHaveLength(16);
    expect(parse([['select', some(200, 'Name')]]).select).toHaveLength(1);
    expect(parse([['offset', '1000000']]).offset).toBe(1_000_000);
  });
});

describe('parseReadQuery', () => {
  test('asks for everything in the order of creation when nothing is said', () => {
    expect(parse([], { maxRows: 50 })).toEqual({
      select: [{ kind: 'all' }],
      where: [],
      order: [{ embed: null, value: value('id'), descending: false }],
      limit: 50,
      offset: 0,
      count: null,
      after: null,
      isContinuable: true,
      asOf: null,
      entity: TRACK,
      isGrouped: false,
    });
    expect(parse([], { count: 'planned' }).count).toBe('planned');
  });

  test('takes an instant for asOf, and a filter on a property of that name for what it is', () => {
    expect(parse([['asOf', '2026-05-31T18:30:00.123456Z']])).toMatchObject({ asOf: '2026-05-31T18:30:00.123456Z', where: [] });
    expect(parse([['asOf', '2026-05-31T18:30:00+02:00']]).asOf).toBe('2026-05-31T18:30:00+02:00');
    const named = { ...TRACK, properties: [{ ...TRACK.properties[0]!, name: 'asOf', column: 'asOf' }] };
    const of = (text: string) => parseReadQuery(new EntityGraph(new Map()), named, [['asOf', text]], { maxRows: 5, count: null });
    expect(of('eq.5')).toMatchObject({ asOf: null, where: [{ kind: 'compare' }] });
    expect(of('2026-05-31')).toMatchObject({ asOf: expect.stringMatching(/^2026-05-31T00:00/), where: [] });
    for (const wrong of ['', 'yesterday', '2026-05-31T18:30:00 02:00', '2026-13-01', 'now()', 'infinity', '12026-01-01']) {
      expect(() => parse([['asOf', wrong]])).toThrow(/"asOf": it is an instant/);
    }
  });

  test('takes a cursor as it is, and a filter on a property of that name for what it is', () => {
    expect(parse([['after', 'a-b_9']])).toMatchObject({ after: 'a-b_9', where: [], isContinuable: true });
    expect(parse([['after', '']])).toMatchObject({ after: '' });
    expect(parse([['after', 'eq.5']])).toMatchObject({ after: 'eq.5', where: [] });
    const named = { ...TRACK, properties: [{ ...TRACK.properties[0]!, name: 'after', column: 'after' }] };
    const of = (text: string) =>
      parseReadQuery(new EntityGraph(new Map()), named, [['after', text]], { maxRows: 100, count: null });
    expect(of('gt.a')).toMatchObject({ after: null, where: [{ operator: 'gt', operand: 'a' }] });
    expect(of('a-b_9')).toMatchObject({ after: 'a-b_9', where: [] });
  });

  test('knows which pages no cursor can continue', () => {
    expect(parse([], { range: '0-9' }).isContinuable).toBe(false);
    expect(parse([], { range: 'bytes=0-9' }).isContinuable).toBe(true);
    expect(parse([['select', 'count()']]).isContinuable).toBe(false);
    expect(parse([['offset', '5']]).isContinuable).toBe(true);
  });

  test('reads each operator, and not', () => {
    for (const operator of ['eq', 'neq', 'gt', 'gte', 'lt', 'lte']) {
      const compared = {
        kind: 'compare',
        value: { kind: 'field', type: 'bigint', field: { name: 'AlbumId', column: 'album_id', type: 'bigint' } },
        operator,
        operand: '7',
      };
      expect(where(['AlbumId', `${operator}.7`])).toEqual([{ ...compared, not: false }]);
      expect(where(['AlbumId', `not.${operator}.7`])).toEqual([{ ...compared, not: true }]);
    }
    expect(where(['Name', 'like.A*'])).toMatchObject([{ operator: 'like', operand: 'A%' }]);
    expect(where(['Name', 'not.ilike.%b_\\\\'])).toMatchObject([{ operator: 'ilike', not: true, operand: '%b_\\\\' }]);
    expect(where(['AlbumId', 'in.(1,2)'])).toMatchObject([{ kind: 'in', operands: ['1', '2'] }]);
    expect(where(['Explicit', 'is.TRUE'])).toMatchObject([{ kind: 'is', test: 'true' }]);
    expect(where(['Credits', 'not.is.null'])).toMatchObject([{ kind: 'is', test: 'null', not: true }]);
    expect(where(['Name', 'is.not_null'])).toMatchObject([{ kind: 'is', test: 'not_null' }]);
  });

  test('takes everything after the operator as the value of a parameter', () => {
    expect(where(['Name', 'eq.a.b,(c)"d"'])).toMatchObject([{ operand: 'a.b,(c)"d"' }]);
    expect(where(['Name', 'eq.'])).toMatchObject([{ operand: '' }]);
    expect(where(['Name', 'eq. null '])).toMatchObject([{ operand: ' null ' }]);
  });

  test('keeps every filter on one property, in order', () => {
    expect(where(['AlbumId', 'gt.1'], ['AlbumId', 'lt.9'])).toMatchObject([{ operand: '1' }, { operand: '9' }]);
  });

  test('filters, sorts and selects by system members', () => {
    const query = parse([
      ['created_at', 'gte.2024-01-01'],
      ['select', 'id,revision'],
      ['order', 'updated_at.desc'],
    ]);
    expect(query.where).toMatchObject([
      { value: { field: { column: 'created_at', type: 'timestamptz' } }, operand: '2024-01-01T00:00Z' },
    ]);
    expect(query.select).toMatchObject([{ as: 'id' }, { as: 'revision' }]);
    expect(query.order).toMatchObject([
      { value: { field: { name: 'updated_at' } }, descending: true },
      { value: { field: { name: 'id' } } },
    ]);
  });

  test('reads groups, nested and negated, with spaces between terms', () => {
    expect(where(['or', '( AlbumId.gt.1 , and(Name.is.null,not.or(Explicit.is.true,AlbumId.not.in.(1,2))) )'])).toEqual([
      {
        kind: 'or',
        not: false,
        terms: [
          { kind: 'compare', not: false, value: value('AlbumId'), operator: 'gt', operand: '1' },
          {
            kind: 'and',
            not: false,
            terms: [
              { kind: 'is', not: false, value: value('Name'), test: 'null' },
              {
                kind: 'or',
                not: true,
                terms: [
                  { kind: 'is', not: false, value: value('Explicit'), test: 'true' },
                  { kind: 'in', not: true, value: value('AlbumId'), operands: ['1', '2'] },
                ],
              },
            ],
          },
        ],
      },
    ]);
    expect(where(['not.and', '(Name.eq.a)'], ['not.or', '(Name.eq.b)'], ['and', '(Name.eq.c)'])).toMatchObject([
      { kind: 'and', not: true },
      { kind: 'or', not: true },
      { kind: 'and', not: false },
    ]);
  });

  test('reads quoted values as PostgREST does', () => {
    const values = (list: string) => where(['Name', `in.(${list})`])[0];
    expect(values('a,"b,c","d\\"e\\\\f"')).toMatchObject({ operands: ['a', 'b,c', 'd"e\\f'] });
    expect(values('')).toMatchObject({ operands: [] });
    expect(values('""')).toMatchObject({ operands: [''] });
    expect(values('a,')).toMatchObject({ operands: ['a', ''] });
    expect(values(' a, b')).toMatchObject({ operands: [' a', ' b'] });
    // Quotes that do not enclose the whole value are part of it.
    expect(values('"a"b,"c')).toMatchObject({ operands: ['"a"b', '"c'] });
    expect(where(['or', '(Name.eq."x,y)",Name.like."a*,")'])).toMatchObject([
      { terms: [{ operand: 'x,y)' }, { operand: 'a%,' }] },
    ]);
  });

  test('reaches properties whatever their name', () => {
    expect(where(['"a.b"', 'eq.1'])).toMatchObject([{ value: { field: { column: 'a_b_1' } } }]);
    expect(where(['say "hi", (now)', 'eq.1'])).toMatchObject([{ value: { field: { column: 'say_hi_2' } } }]);
    expect(where(['and', '("say \\"hi\\", (now)".eq.1,"a.b".is.null)'])).toMatchObject([
      { terms: [{ value: { field: { column: 'say_hi_2' } } }, { value: { field: { column: 'a_b_1' } } }] },
    ]);
    expect(where(['and', '(order.eq.1,or.eq.2)'])).toMatchObject([
      { terms: [{ value: { field: { name: 'order' } } }, { value: { field: { name: 'or' } } }] },
    ]);
    expect(where(['kebab-case', 'eq.1'], [' Name ', 'eq.1'])).toMatchObject([
      { value: { field: { name: 'kebab-case' } } },
      { value: { field: { name: 'Name' } } },
    ]);
    expect(parse([['order', 'kebab-case.desc,"a.b"']]).order).toMatchObject([
      { value: { field: { name: 'kebab-case' } } },
      { value: { field: { name: 'a.b' } } },
      {},
    ]);
    expect(parse([['select', '"a.b","x:y":order']]).select).toMatchObject([
      { as: 'a.b' },
      { as: 'x:y', value: { field: { name: 'order' } } },
    ]);
  });

  test('selects by name, alias and star, each member once', () => {
    const select = (value: string) => parse([['select', value]]).select;
    expect(select('id, Name,title:Name')).toMatchObject([
      { as: 'id' },
      { as: 'Name' },
      { as: 'title', value: { field: { name: 'Name' } } },
    ]);
    expect(select('Name,Name')).toMatchObject([{ as: 'Name' }]);
    expect(select('*')).toEqual([{ kind: 'all' }]);
    expect(select('Name,*,title:Name')).toMatchObject([{ kind: 'all' }, { kind: 'value', as: 'title' }]);
  });

  test('sorts as told and ends in id, once', () => {
    const order = (value: string) => parse([['order', value]]).order;
    expect(order('Name.desc.nullslast, AlbumId.asc,UnitPrice.nullsfirst')).toEqual([
      { embed: null, value: value('Name'), descending: true, nulls: 'last' },
      { embed: null, value: value('AlbumId'), descending: false },
      { embed: null, value: value('UnitPrice'), descending: false, nulls: 'first' },
      { embed: null, value: value('id'), descending: false },
    ]);
    expect(order('id.desc')).toEqual([{ embed: null, value: value('id'), descending: true }]);
  });

  test('never gives more rows than the store allows', () => {
    const page = (params: Params, range?: string) => {
      const { limit, offset } = parse(params, range === undefined ? {} : { range });
      return [offset, limit];
    };
    expect(page([])).toEqual([0, 100]);
    expect(page([['limit', '20']])).toEqual([0, 20]);
    expect(page([['limit', '0']])).toEqual([0, 0]);
    expect(page([['limit', '9'.repeat(400)]])).toEqual([0, 100]);
    expect(page([['offset', '7']])).toEqual([7, 100]);
    expect(page([], '0-24')).toEqual([0, 25]);
    expect(page([['limit', '500']], '200-299')).toEqual([200, 100]);
    expect(page([], 'items=25-')).toEqual([25, 100]);
    expect(page([], '0-99999999999999999999')).toEqual([0, 100]);
    expect(page([], 'bytes=0-5')).toEqual([0, 100]);
    expect(
      page(
        [
          ['limit', '10'],
          ['offset', '5'],
        ],
        '10-29',
      ),
    ).toEqual([10, 5]);
    expect(page([['limit', '10']], '50-59')).toEqual([50, 0]);
  });

  test('throws nothing but problems, whatever the text', () => {
    const token = fc.constantFrom(
      ...[
        'and',
        'or',
        'not',
        '(',
        ')',
        '.',
        ',',
        ':',
        '"',
        '\\',
        '*',
        '->',
        '!',
        'eq',
        'in',
        'is',
        'like',
        'null',
        '1',
        ' ',
        '-',
        '_',
      ],
      ...['Name', 'AlbumId', 'Credits', 'Explicit', 'id', 'desc', 'nullslast', '=', '💥', '\ud800', '\u0000', '__proto__'],
    );
    const text = fc.oneof(
      fc.string({ unit: codeUnit, maxLength: 30 }),
      fc.array(token, { maxLength: 24 }).map((tokens) => tokens.join('')),
    );
    const name = fc.oneof(text, fc.constantFrom('Name', 'AlbumId', 'or', 'not.and', 'select', 'order', 'limit', 'offset'));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, text), { maxLength: 4 }), fc.option(text, { nil: undefined }), (params, range) => {
        try {
          const query = parse(params, range === undefined ? {} : { range });
          expect(query.limit).toBeLessThanOrEqual(100);
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
          expect((error as Problem).status).toBe(400);
          expect((error as Problem).detail).not.toMatch(/\p{Surrogate}/u);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('reads back any list of texts that was quoted', () => {
    const texts = fc.string({ unit: codeUnit, maxLength: 12 }).map((text) => text.replace(/[\u0000\p{Surrogate}]/gu, '"\\,('));
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 8 }), (values) => {
        const list = values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',');
        expect(where(['Name', `in.(${list})`])).toMatchObject([{ operands: values }]);
        expect(where(['or', `(Name.in.(${list}),Name.eq.x)`])).toMatchObject([
          { terms: [{ operands: values }, { operand: 'x' }] },
        ]);
      }),
    );
  });

  test('reads the costliest texts in linear time', () => {
    const n = 16_000;
    const texts = [
      '"'.repeat(n),
      '"\\'.repeat(n / 2),
      '"a,'.repeat(n / 4),
      '-'.repeat(n),
      ' '.repeat(n),
      '('.repeat(n),
      '\\'.repeat(n),
      '1'.repeat(n),
    ];
    const started = performance.now();
    for (const text of texts) {
      for (const params of [
        ['or', `(${text}x`],
        ['Name', `in.(${text}x`],
        ['Rating', `eq.${text}x`],
        ['order', `${text}x`],
        [text, 'eq.1'],
      ] as const) {
        refusal([params]);
      }
    }
    // 40 texts; a quadratic token alone would take longer.
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
