import { change, closed } from '../plan.fixture.js';

describe('unique keys', () => {
  it('refuse all records that are alike, and none where a member has no value', () => {
    const item = change(
      closed({ a: { type: 'string' }, b: { type: 'string' } }),
      closed({ a: { type: 'string' }, b: { type: 'string' } }, { uniqueKeys: [['a', 'b']] }),
    );
    expect(item.operation('add-unique').validate()).toEqual([
      {
        query: `select id
from (
  select id, count(*) over (partition by "a", "b") as alike
  from (
    select id, "a"::text as "a", "b"::text as "b"
    from "t_1"."item"
    where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and "a" is not null
      and "b" is not null
  ) as present
) as counted
where alike > 1`,
        message: 'several records have the same "a" and "b"',
        wayOut: 'change or delete all but one of each, then plan again',
      },
    ]);
  });

  it('are added at once, or built beforehand while writing goes on', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', unique: true } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- constraints, owner
alter table "t_1"."item" add constraint "item.a.key" unique ("a")`);
    expect(item.large).toBe(`-- prepare-indexes, owner, alone
create unique index concurrently "item.a.key~new" on "t_1"."item" using btree ("a")
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- constraints, owner
alter table "t_1"."item" add constraint "item.a.key" unique using index "item.a.key~new"`);
  });

  it('are built over the columns that are only just prepared', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'boolean' }, b: { type: 'string' } }, { uniqueKeys: [['a', 'b']] }),
    );
    expect(item.large).toBe(`-- prepare-columns, owner
alter table "t_1"."item" add column "a~new" boolean
-- prepare-columns, owner
alter table "t_1"."item" add column "b~new" text
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.a.type.check~new" check (case when "a" is null then "a~new" is null when "a" in ('true', 'false') then "a~new" is not distinct from "a"::boolean else false end) not valid
-- backfill, tenant
with batch as materialized (
  select id
  from "t_1"."item"
  where tenant_id = $1::uuid
    and id > $2::uuid
  order by id
  limit $3::bigint
),
filled as (
  update "t_1"."item" as record
  set "a~new" = case when "a" in ('true', 'false') then "a"::boolean end
  from batch
  where record.tenant_id = $1::uuid
    and record.id = batch.id
    and ("a" is not null and "a~new" is null)
  returning record.id
)
select
  (select id from batch order by id desc limit 1) as last_id,
  (select count(*) from filled) as changed
-- prepare-indexes, owner, alone
create unique index concurrently "item.a.b.key~new" on "t_1"."item" using btree ("a~new", "b~new")
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.type.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.type.check~new"
-- types, owner
alter table "t_1"."item" drop column "a"
-- rename, owner
alter table "t_1"."item" rename column "a~new" to "a"
-- rename, owner
alter table "t_1"."item" rename column "b~new" to "b"
-- constraints, owner
alter table "t_1"."item" add constraint "item.a.b.key" unique using index "item.a.b.key~new"`);
  });

  it('are made anew when their order changes', () => {
    const item = change(
      closed({ a: { type: 'string' }, b: { type: 'string' } }, { uniqueKeys: [['a', 'b']] }),
      closed({ a: { type: 'string' }, b: { type: 'string' } }, { uniqueKeys: [['b', 'a']] }),
    );
    expect(item.kinds).toEqual(['drop-unique', 'add-unique']);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.b.key"
-- constraints, owner
alter table "t_1"."item" add constraint "item.b.a.key" unique ("b", "a")`);
  });

  it('are undone by dropping them', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', unique: true } }));
    expect(item.operation('add-unique').describe()).toBe('no two records may have the same "a"');
    expect(item.operation('add-unique').risk).toEqual({ level: 'restrictive', reversible: 'yes' });
    expect(item.operation('add-unique').pointer).toBe('/properties/a/unique');
    expect(item.operation('add-unique').inverse).toEqual({
      kind: 'drop-unique',
      object: { name: 'item.a.key', kind: 'unique', definition: 'unique ("a")', properties: ['a'] },
    });
  });

  it('come back as far as records stored meanwhile allow', () => {
    const item = change(
      closed({ a: { type: 'string' }, b: { type: 'string' } }, { uniqueKeys: [['a', 'b']] }),
      closed({ a: { type: 'string' }, b: { type: 'string' } }),
    );
    expect(item.operation('drop-unique').describe()).toBe('several records may have the same "a" and "b"');
    expect(item.operation('drop-unique').risk).toEqual({
      level: 'none',
      reversible: 'partly',
      reason: 'records stored meanwhile may be alike when the key comes back',
    });
    expect(item.operation('drop-unique').pointer).toBe('/uniqueKeys');
    expect(item.operation('drop-unique').inverse).toEqual({
      kind: 'add-unique',
      object: { name: 'item.a.b.key', kind: 'unique', definition: 'unique ("a", "b")', properties: ['a', 'b'] },
    });
  });
});
