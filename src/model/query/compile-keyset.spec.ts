import type { ReadWriter } from '../values/read-writer.js';
import { keysetOf, type Position, positionOf } from './keyset.js';
import { parseReadQuery } from './parse-read-query.js';
import { readStatement, sequenceOf } from './read-statement.js';
import { EntityGraph } from './relationships.js';
import { HOME, TRACK } from './track.fixture.js';

const ALONE = new EntityGraph(new Map());
const ID = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';

const WRITER: ReadWriter = {
  cells: ['id', 'name'].map((column) => ({ kind: 'column', column })),
  members: [],
  names: [],
  keptBack: [],
  write: String,
};

function parse(query: string, hasTotal = false) {
  const params = new URLSearchParams(query);
  return parseReadQuery(ALONE, TRACK, params, { maxRows: 100, count: hasTotal ? 'exact' : null });
}

/** The statement of the page behind a position. */
function behind(query: string, after: Position | null, hasTotal = false) {
  const parsed = parse(query, hasTotal);
  return readStatement(HOME, parsed, WRITER, { keyset: keysetOf(parsed.order, WRITER.cells), after });
}

/** What is asked of rows beyond the tenant: a condition, or the two of a page in two halves. */
function conditions(order: string, ...position: Position): string[] {
  const lines = behind(`order=${order}`, position).text.split('\n');
  return lines.flatMap((line) => (/^ *and /.test(line) ? [line.replace(/^ *and /, '')] : []));
}

describe('a page behind a position', () => {
  it('is found by comparing rows where all terms go one way and are never null', () => {
    expect(conditions('id', ID)).toEqual(['"id" > $2::uuid']);
    expect(conditions('id.desc', ID)).toEqual(['"id" < $2::uuid']);
    expect(conditions('Name', 'a', ID)).toEqual(['("name", "id") > ($2::text, $3::uuid)']);
    expect(conditions('Name.desc,revision.desc,id.desc', 'a', '1', ID)).toEqual([
      '("name", "revision", "id") < ($2::text, $3::bigint, $4::uuid)',
    ]);
    expect(conditions('Name.nullsfirst,created_at', 'a', '2024-01-01 00:00:00+00', ID)).toEqual([
      '("name", "created_at", "id") > ($2::text, $3::timestamptz, $4::uuid)',
    ]);
  });

  it('is found by its first term where directions differ', () => {
    expect(conditions('Name.desc', 'a', ID)).toEqual(['"name" <= $2::text and ("name" < $2::text or "id" > $3::uuid)']);
    expect(conditions('Name,revision.desc', 'a', '1', ID)).toEqual([
      '"name" >= $2::text and ("name" > $2::text or ("revision" < $3::bigint or ("revision" = $3::bigint and "id" > $4::uuid)))',
    ]);
  });

  it('is of two halves where nulls lie ahead, and never mistakes one for a value', () => {
    expect(conditions('AlbumId', '7', ID)).toEqual([
      '"album_id" >= $2::bigint and ("album_id" > $2::bigint or "id" > $3::uuid)',
      '"album_id" is null',
    ]);
    expect(conditions('AlbumId', null, ID)).toEqual(['"album_id" is null and "id" > $2::uuid']);
    expect(conditions('AlbumId.desc', '7', ID)).toEqual([
      '"album_id" <= $2::bigint and ("album_id" < $2::bigint or "id" > $3::uuid)',
    ]);
    expect(conditions('AlbumId.desc', null, ID)).toEqual(['"album_id" is null and "id" > $2::uuid', '"album_id" is not null']);
    expect(conditions('AlbumId.nullsfirst', '7', ID)).toEqual([
      '"album_id" >= $2::bigint and ("album_id" > $2::bigint or "id" > $3::uuid)',
    ]);
    expect(conditions('AlbumId.desc.nullslast', null, ID)).toEqual(['"album_id" is null and "id" > $2::uuid']);
  });

  it('takes nulls of further terms where they stand', () => {
    const [own] = conditions('Name,AlbumId,Rating.desc', 'a', '7', null, ID);
    expect(own).toBe(
      '"name" >= $2::text and ("name" > $2::text or (("album_id" > $3::bigint or "album_id" is null) or ' +
        '("album_id" = $3::bigint and ("rating" is not null or ("rating" is null and "id" > $4::uuid)))))',
    );
    expect(conditions('Name,AlbumId', 'a', null, ID)).toEqual([
      '"name" >= $2::text and ("name" > $2::text or ("album_id" is null and "id" > $3::uuid))',
    ]);
  });

  it('compares what lies inside JSON as it is sorted', () => {
    expect(conditions('Credits->>by,Name', 'x', 'a', ID)).toEqual([
      `((("credits" ->> $2::text) > $3::text or ("credits" ->> $2::text) is null) or ` +
        `(("credits" ->> $2::text) = $3::text and ("name" > $4::text or ("name" = $4::text and "id" > $5::uuid))))`,
    ]);
    expect(conditions('Credits->n.desc', null, ID)).toEqual([
      '(("credits" -> $2::text) is not null or (("credits" -> $2::text) is null and "id" > $3::uuid))',
    ]);
  });

  it('asks for one row more than it shows, which says whether another page follows', () => {
    expect(behind('limit=20', null).values).toEqual([HOME.tenantId, '21', '0']);
    expect(behind('limit=20&offset=40', null).values).toEqual([HOME.tenantId, '21', '40']);
    expect(behind('limit=20', [ID]).values).toEqual([HOME.tenantId, ID, '21']);
    expect(behind('limit=0', [ID]).values).toEqual([HOME.tenantId, ID, '0']);
    expect(behind('', [ID]).values).toEqual([HOME.tenantId, ID, '101']);
  });

  it('brings along what the next page begins behind, unless the record says it', () => {
    expect(behind('order=Name,AlbumId', null).text).toBe(`select "id", "name", "album_id"
from "t_k3x9"."track"
where tenant_id = $1
order by "name", "album_id", "id"
limit $2::bigint
offset $3::bigint`);
    const { order } = parse('order=Name,AlbumId,id,Rating');
    const keyset = keysetOf(order, WRITER.cells);
    expect(keyset).toMatchObject({ at: [1, 2, 0], added: [1] });
    expect(positionOf(keyset, ['x', 'a', null])).toEqual(['a', null, 'x']);
  });

  it('does not begin its second half where the first fills it', () => {
    expect(behind('order=AlbumId&Name=eq.a&limit=20', ['7', ID])).toEqual({
      text: `select page."id", page."name", page."album_id"
from (
  with near as (
    select "id", "name", "album_id"
    from "t_k3x9"."track"
    where tenant_id = $1
      and "name" = $2::text
      and "album_id" >= $3::bigint and ("album_id" > $3::bigint or "id" > $4::uuid)
    order by "album_id", "id"
    limit $5::bigint
  )
  select "id", "name", "album_id"
  from near
  union all
  (
    select "id", "name", "album_id"
    from "t_k3x9"."track"
    where tenant_id = $1
      and "name" = $2::text
      and "album_id" is null
    order by "id"
    limit $5::bigint - (select count(*) from near)
  )
) as page
order by page."album_id", page."id"`,
      values: [HOME.tenantId, 'a', '7', ID, '21'],
    });
  });

  it('leaves the total what it is: that of the list', () => {
    expect(
      behind('order=Name.desc&Rating=gt.1&limit=5', ['a', ID], true).text,
    ).toBe(`select total.count, page."id", page."id", page."name"
from (
  select count(*) as count
  from "t_k3x9"."track"
  where tenant_id = $1
    and "rating" > $2::double precision
) as total
left join (
  select "id", "name"
  from "t_k3x9"."track"
  where tenant_id = $1
    and "rating" > $2::double precision
    and "name" <= $3::text and ("name" < $3::text or "id" > $4::uuid)
  order by "name" desc, "id"
  limit $5::bigint
) as page on true
order by page."name" desc, page."id"`);
  });

  it('keeps what a client sends out of the text', () => {
    const hostile = `'; drop table track; --`;
    const { text, values } = behind('order=Name', [hostile, ID]);
    expect([text.includes('drop'), values[1]]).toEqual([false, hostile]);
  });
});

describe('sequenceOf', () => {
  const sequence = (query: string) => sequenceOf(HOME, parse(query));
  const LIST = sequence('order=Name&AlbumId=gt.5');

  it('tells lists apart by what is in them and how it is sorted', () => {
    for (const other of [
      'order=Name',
      'order=Name&AlbumId=gt.6',
      'order=Name&AlbumId=gte.5',
      'order=Name&Rating=gt.5',
      'order=Name.desc&AlbumId=gt.5',
      'order=Name.nullsfirst&AlbumId=gt.5',
      'order=Name,Rating&AlbumId=gt.5',
      'order=Name,id.desc&AlbumId=gt.5',
      'order=Name&AlbumId=gt.5&AlbumId=gt.5',
    ]) {
      expect([other, sequence(other) === LIST]).toEqual([other, false]);
    }
    expect(sequenceOf({ ...HOME, tenantId: ID.replace('0190', '0191') }, parse('order=Name&AlbumId=gt.5'))).not.toBe(LIST);
    expect(sequence('order=Credits->>a')).not.toBe(sequence('order=Credits->>b'));
  });

  it('is the same whatever is selected, however long the page, and however the order is written', () => {
    for (const same of ['select=Name,Rating', 'limit=5', 'offset=7', 'select=id&limit=1&after=x']) {
      expect(sequence(`order=Name&AlbumId=gt.5&${same}`)).toBe(LIST);
    }
    expect(sequence('order=Name.asc,id.asc&AlbumId=gt.5')).toBe(LIST);
  });
});
