import { compileReadWriter } from '../values/read-writer.js';
import type { Count } from './ast.js';
import { AUTHOR, BOOK, LIBRARY } from './library.fixture.js';
import { parseReadQuery } from './parse-read-query.js';
import { countStatement, readStatement } from './read-statement.js';
import { HOME } from './track.fixture.js';

type Params = readonly (readonly [string, string])[];

function read(params: Params, { entity = BOOK, count = null as Count | null } = {}) {
  const query = parseReadQuery(LIBRARY, entity, params, { maxRows: 100, count });
  const writer = compileReadWriter(query, 'stored');
  return { query, writer, statement: readStatement(HOME, query, writer) };
}

const sql = (params: Params, options = {}) => read(params, options).statement.text;

describe('a query that embeds', () => {
  it('asks every table for the rows of the tenant', () => {
    const text = sql([
      ['select', 'title,editor!inner(name),label(word),...sequel(next:title),prequels()'],
      ['prequels', 'is.null'],
      ['order', 'editor(name)'],
    ]);
    const tables = text.match(/\bfrom "t_k3x9"\."\w+" as (\w+)/g) ?? [];
    expect(tables.length).toBeGreaterThan(6);
    for (const table of tables) expect(text).toContain(`where ${table.split(' ').at(-1)}.tenant_id = $1`);
    expect(text.match(/tenant_id = \$1/g)?.length).toBe(tables.length);
  });

  it('looks up one record for each row of the page, and no others', () => {
    expect(
      read([
        ['select', 'title,editor(name)'],
        ['limit', '2'],
        ['title', 'gt.a'],
      ]).statement,
    ).toEqual({
      text: `select page."title", (
  select to_json(array[r1."name"::text])
  from "t_k3x9"."author" as r1
  where r1.tenant_id = $1
    and r1."name" = page."editor"
)
from (
  select page."title", page."editor", page."id"
  from "t_k3x9"."book" as page
  where page.tenant_id = $1
    and page."title" > $2::text
  order by page."id"
  limit $3::bigint
  offset $4::bigint
) as page
order by page."id"`,
      values: [HOME.tenantId, 'a', '2', '0'],
    });
  });

  it('gathers many records in their order, cut where it is told', () => {
    expect(
      read(
        [
          ['select', 'books(title)'],
          ['books.price', 'gte.5'],
          ['books.order', 'price.desc'],
          ['books.limit', '3'],
        ],
        { entity: AUTHOR },
      ).statement,
    ).toEqual({
      text: `select (
  select coalesce(json_agg(array[r1."title"::text] order by r1."~sort0" desc, r1."~sort1"), '[]')
  from (
    select r1."title", r1."price" as "~sort0", r1."id" as "~sort1"
    from "t_k3x9"."book" as r1
    where r1.tenant_id = $1
      and r1."author" = page."name"
      and r1."price" >= $4::double precision
    order by "~sort0" desc, "~sort1"
    limit $5::bigint
    offset $6::bigint
  ) as r1
)
from (
  select page."name", page."id"
  from "t_k3x9"."author" as page
  where page.tenant_id = $1
  order by page."id"
  limit $2::bigint
  offset $3::bigint
) as page
order by page."id"`,
      values: [HOME.tenantId, '100', '0', '5', '3', '0'],
    });
  });

  it('goes through the entity that links two, without its rows', () => {
    expect(sql([['select', 'label!inner()']])).toBe(`select 
from "t_k3x9"."book" as page
where page.tenant_id = $1
  and exists (
  select
  from "t_k3x9"."label" as r1
  where r1.tenant_id = $1
    and r1."word" in (
    select r2."label"
    from "t_k3x9"."tagging" as r2
    where r2.tenant_id = $1
      and r2."book" = page."number"
  )
)
order by page."id"
limit $2::bigint
offset $3::bigint`);
  });

  it('groups by what is spread, and by nothing when all is aggregated', () => {
    expect(
      sql([
        ['select', '...editor(name),price.sum(),count()'],
        ['order', 'count.desc'],
      ]),
    ).toBe(`select (
  select to_json(array[r1."name"::text])
  from "t_k3x9"."author" as r1
  where r1.tenant_id = $1
    and r1."name" = page."editor"
)::text as g0, sum(page."price") as g1, count(*) as g2
from "t_k3x9"."book" as page
where page.tenant_id = $1
group by 1
order by 3 desc
limit $2::bigint
offset $3::bigint`);
    expect(sql([['select', 'price.avg()']])).toBe(`select avg("price") as g0
from "t_k3x9"."book"
where tenant_id = $1
limit $2::bigint
offset $3::bigint`);
  });

  it('is counted as a list or as its groups, or as the planner thinks', () => {
    const counted = (params: Params, atMost?: number) => {
      const { query, writer } = read(params, { count: 'estimated' });
      return countStatement(HOME, query, writer, atMost).text;
    };
    expect(counted([['title', 'eq.x']], 101)).toBe(`select count(*)
from (
  select
  from "t_k3x9"."book"
  where tenant_id = $1
    and "title" = $2::text
  limit $3::bigint
) as counted`);
    expect(counted([['select', 'title,count()']])).toBe(`explain (format json)
select "title" as g0, count(*) as g1
from "t_k3x9"."book"
where tenant_id = $1
group by 1`);
  });

  it('never puts a word of the client into the text', () => {
    const hostile = `'; drop table book; --`;
    const { text, values } = read([
      ['select', `"x${hostile}":title,e:editor(data->>"${hostile}")`],
      [`e.data->>"${hostile}"`, `eq.${hostile}`],
      ['e.or', `(name.eq."${hostile}",data->"${hostile}"->>b.like."${hostile}*")`],
      ['title', `fts(english).${hostile}`],
    ]).statement;
    expect(text).not.toMatch(/drop|;|--/);
    expect(values).toContain(hostile);
  });
});

describe('what a query that embeds writes', () => {
  it('is one object, null, an array, or members among those of the parent', () => {
    const { writer } = read([
      ['select', 'title,editor(name),label(word),...sequel(next:title,price),...prequels(before:number)'],
    ]);
    expect(writer.names).toEqual(['title', 'editor', 'label', 'next', 'price', 'before']);
    const rows = [
      ['Emma', '["Ada"]', '[["red"],["a,b"]]', '["Emma 2","1.5"]', '[["1"],["2"]]'],
      [null, null, '[]', null, '[]'],
    ];
    expect(rows.map((row) => JSON.parse(writer.write(row)))).toEqual([
      {
        title: 'Emma',
        editor: { name: 'Ada' },
        label: [{ word: 'red' }, { word: 'a,b' }],
        next: 'Emma 2',
        price: 1.5,
        before: [1, 2],
      },
      { editor: null, label: [], next: null, price: null, before: [] },
    ]);
  });

  it('shows in a list what a record holds undeclared, at every level', () => {
    const { writer } = read([['select', 'editor(*)']]);
    const inner = ['id', '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00', 'a', 'a', '1', 'Ada', null, '{"more":[1]}'];
    expect(JSON.parse(writer.write([JSON.stringify(inner)]))).toMatchObject({ editor: { name: 'Ada', revision: 1, more: [1] } });
  });

  it('reads null where there is nothing, for clients that know no other way', () => {
    const query = parseReadQuery(LIBRARY, BOOK, [['select', 'title,cover(colour)']], { maxRows: 1, count: null });
    const write = (nulls: 'stored' | 'always') => compileReadWriter(query, nulls).write([null, '[null]']);
    expect(write('always')).toBe('{"title":null,"cover":{"colour":null}}');
    expect(compileReadWriter(query, 'stored').write([null, '[null,null]'])).toBe('{"cover":{}}');
    expect(compileReadWriter(query, 'stored').write([null, '[null,"{\\"colour\\":null}"]'])).toBe('{"cover":{"colour":null}}');
  });
});
