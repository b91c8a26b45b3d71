import { change, closed, open } from '../plan.fixture.js';

describe('renaming a property', () => {
  it('refuses records that hold an undeclared member of the new name', () => {
    const item = change(open({ a: { type: 'string' } }), open({ b: { type: 'string', renamedFrom: 'a' } }));
    expect(item.operation('rename-property').validate()).toEqual([
      {
        failing: "(_extra -> 'b') is not null",
        message: 'a record holds an undeclared member "b" beside "a"',
        wayOut: 'remove that member from those records, or choose another name',
      },
    ]);
  });

  it('renames the column, and each constraint and index once', () => {
    const item = change(
      closed(
        { a: { type: 'string', maxLength: 8, unique: true }, b: { type: 'string' } },
        { uniqueKeys: [['a', 'b']], indexes: [['b', '-a']] },
      ),
      closed(
        { c: { type: 'string', maxLength: 8, unique: true, renamedFrom: 'a' }, d: { type: 'string', renamedFrom: 'b' } },
        { uniqueKeys: [['c', 'd']], indexes: [['d', '-c']] },
      ),
    );
    expect(item.kinds).toEqual(['rename-property', 'rename-property']);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename column "a" to "c"
-- rename, owner
alter table "t_1"."item" rename constraint "item.a.length.check" to "item.c.length.check"
-- rename, owner
alter table "t_1"."item" rename constraint "item.a.key" to "item.c.key"
-- rename, owner
alter table "t_1"."item" rename constraint "item.a.b.key" to "item.c.d.key"
-- rename, owner
alter table "t_1"."item" rename column "b" to "d"
-- rename, owner
alter index "t_1"."item.b.-a.idx" rename to "item.d.-c.idx"`);
    expect(item.large === item.small).toEqual(true);
  });

  it('lets a relation to itself hold on', () => {
    const item = change(
      closed({ a: { type: 'string', unique: true }, up: { type: 'string', relation: { entity: 'item', field: 'a' } } }),
      closed({
        b: { type: 'string', unique: true, renamedFrom: 'a' },
        up: { type: 'string', relation: { entity: 'item', field: 'b' } },
      }),
    );
    expect(item.kinds).toEqual(['rename-property']);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename column "a" to "b"
-- rename, owner
alter table "t_1"."item" rename constraint "item.a.key" to "item.b.key"`);
  });

  it('takes explicit nulls along, required or not', () => {
    const item = change(
      closed({ 'a!': { type: ['string', 'null'] } }),
      closed({ 'b!': { type: ['string', 'null'], renamedFrom: 'a' } }),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename column "a" to "b"
-- values, tenant
update "t_1"."item"
set _extra = _extra - 'a' || jsonb_build_object('b', null)
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and coalesce((_extra -> 'a') = 'null'::jsonb, false)`);
  });

  it('replaces the guard of the old name by one of the new', () => {
    const item = change(open({ a: { type: 'string' } }), open({ b: { type: 'string', renamedFrom: 'a' } }), {
      guards: new Set(['_extra.item.a.check']),
    });
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "_extra.item.a.check"
-- rename, owner
alter table "t_1"."item" rename column "a" to "b"
-- constraints, owner
alter table "t_1"."item" add constraint "_extra.item.b.check" check ((_extra -> 'b') is null)`);
    expect(item.large).toBe(`-- prepare-constraints, owner
alter table "t_1"."item" add constraint "_extra.item.b.check~new" check ((_extra -> 'b') is null) not valid
-- validate, owner
alter table "t_1"."item" validate constraint "_extra.item.b.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "_extra.item.a.check"
-- rename, owner
alter table "t_1"."item" rename column "a" to "b"
-- constraints, owner
alter table "t_1"."item" rename constraint "_extra.item.b.check~new" to "_extra.item.b.check"`);
  });

  it('lets nobody slip in an undeclared null, which would turn into the null of the property', () => {
    const item = change(open({ a: { type: ['string', 'null'] } }), open({ b: { type: ['string', 'null'], renamedFrom: 'a' } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- check-rows, assert
select id
from "t_1"."item"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and ((_extra -> 'b') is not null)
limit 5
-- rename, owner
alter table "t_1"."item" rename column "a" to "b"
-- values, tenant
update "t_1"."item"
set _extra = _extra - 'a' || jsonb_build_object('b', null)
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and coalesce((_extra -> 'a') = 'null'::jsonb, false)
-- constraints, owner
alter table "t_1"."item" add constraint "_extra.item.b.check" check ((_extra -> 'b') is null or _extra -> 'b' = 'null'::jsonb)`);
    expect(item.large).toBe(`-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.b.undeclared.check~new" check ((_extra -> 'b') is null) not valid
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "_extra.item.b.check~new" check ((_extra -> 'b') is null or _extra -> 'b' = 'null'::jsonb) not valid
-- validate, owner
alter table "t_1"."item" validate constraint "item.b.undeclared.check~new"
-- validate, owner
alter table "t_1"."item" validate constraint "_extra.item.b.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.b.undeclared.check~new"
-- rename, owner
alter table "t_1"."item" rename column "a" to "b"
-- values, tenant
update "t_1"."item"
set _extra = _extra - 'a' || jsonb_build_object('b', null)
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and coalesce((_extra -> 'a') = 'null'::jsonb, false)
-- constraints, owner
alter table "t_1"."item" rename constraint "_extra.item.b.check~new" to "_extra.item.b.check"`);
  });

  it('leaves the column to a change of type that makes a new one', () => {
    const item = change(
      closed({ a: { type: 'string', unique: true } }),
      closed({ b: { type: 'string', format: 'uuid', unique: true, renamedFrom: 'a' } }),
    );
    expect(item.kinds).toEqual(['rename-property', 'change-type']);
    expect(item.large).toBe(`-- prepare-columns, owner
alter table "t_1"."item" add column "b~new" uuid
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.b.type.check~new" check (case when "a" is null then "b~new" is null when "a" ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then "b~new" is not distinct from "a"::uuid else false end) not valid
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
  set "b~new" = case when "a" ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then "a"::uuid end
  from batch
  where record.tenant_id = $1::uuid
    and record.id = batch.id
    and ("a" is not null and "b~new" is null)
  returning record.id
)
select
  (select id from batch order by id desc limit 1) as last_id,
  (select count(*) from filled) as changed
-- prepare-indexes, owner, alone
create unique index concurrently "item.b.key~new" on "t_1"."item" using btree ("b~new")
-- validate, owner
alter table "t_1"."item" validate constraint "item.b.type.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.key"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.b.type.check~new"
-- types, owner
alter table "t_1"."item" drop column "a"
-- rename, owner
alter table "t_1"."item" rename column "b~new" to "b"
-- constraints, owner
alter table "t_1"."item" add constraint "item.b.key" unique using index "item.b.key~new"`);
  });

  it('fills explicit nulls with no default: they have moved by then', () => {
    const item = change(
      closed({ a: { type: ['string', 'null'] } }),
      closed({ 'b!': { type: ['string', 'null'], default: 'x', renamedFrom: 'a' } }),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename column "a" to "b"
-- values, tenant
update "t_1"."item"
set _extra = _extra - 'a' || jsonb_build_object('b', null)
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and coalesce((_extra -> 'a') = 'null'::jsonb, false)
-- values, tenant
update "t_1"."item"
set "b" = 'x'::text
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "b" is null
  and not coalesce((_extra -> 'b') = 'null'::jsonb, false)`);
  });

  it('is undone by renaming it back', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ b: { type: 'string', renamedFrom: 'a', aliasUntil: '2030-01-01T00:00:00Z' } }),
    );
    expect(item.operation('rename-property').describe()).toBe(
      '"a" is renamed to "b"; records keep what they hold in it, and writers may use the old name until 2030-01-01T00:00:00Z',
    );
    expect(item.operation('rename-property').risk).toEqual({ level: 'none', reversible: 'yes' });
    expect(item.operation('rename-property').pointer).toBe('/properties/b');
    expect(item.operation('rename-property').inverse).toEqual({ kind: 'rename-property', property: 'a' });
  });
});
