import { change, closed } from '../plan.fixture.js';

describe('requiring a value', () => {
  it('refuses records without one, unless there is a default', () => {
    const item = change(
      closed({ a: { type: ['string', 'null'] }, b: { type: 'string' } }),
      closed({ 'a!': { type: ['string', 'null'] }, 'b!': { type: 'string', default: 'x' } }),
    );
    expect(item.draft.probes.map(({ probe }) => probe)).toEqual([
      {
        failing: "\"a\" is null and not coalesce((_extra -> 'a') = 'null'::jsonb, false)",
        message: 'a record has no "a"',
        wayOut: 'give "a" a "default", which those records get, or fill them first',
      },
    ]);
  });

  it('refuses records where it is null, as soon as it may not be', () => {
    const item = change(
      closed({ a: { type: ['string', 'null'] }, 'b!': { type: ['string', 'null'] } }),
      closed({ a: { type: 'string' }, 'b!': { type: 'string' } }),
    );
    expect(item.draft.probes.map(({ probe }) => probe)).toEqual([
      {
        failing: "\"a\" is null and coalesce((_extra -> 'a') = 'null'::jsonb, false)",
        message: '"a" is null in a record',
        wayOut: 'give those records a value first',
      },
      { failing: '"b" is null', message: '"b" is null in a record', wayOut: 'give those records a value first' },
    ]);
  });

  it('refuses a default that would make records alike, or point at nothing', () => {
    const item = change(
      closed({ a: { type: 'string', unique: true, relation: { entity: 'site', field: 'code' } } }),
      closed({ 'a!': { type: 'string', unique: true, relation: { entity: 'site', field: 'code' }, default: 'x' } }),
    );
    expect(item.operation('require-value').validate()).toEqual([
      {
        query: `select id
from (
  select id, count(*) over (partition by "a") as alike
  from (
    select id, (case when "a" is null and not coalesce((_extra -> 'a') = 'null'::jsonb, false) then 'x'::text else "a" end)::text as "a"
    from "t_1"."item"
    where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and ("a" is null and not coalesce((_extra -> 'a') = 'null'::jsonb, false) or "a" is not null)
  ) as present
) as counted
where alike > 1`,
        message: 'several records have the same "a"',
        wayOut: 'change or delete all but one of each, then plan again',
      },
      {
        query: `select id
from (
  select id, (case when "a" is null and not coalesce((_extra -> 'a') = 'null'::jsonb, false) then 'x'::text else "a" end)::text as "a"
  from "t_1"."item"
  where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
    and ("a" is null and not coalesce((_extra -> 'a') = 'null'::jsonb, false) or "a" is not null)
) as former
where not exists (
  select
  from "t_1"."site" as target
  where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
    and target."code" = former."a"
)`,
        message: '"a" holds a value that is the "code" of no "site"',
        wayOut: 'correct or remove those values, or store the missing "site" records first',
      },
    ]);
  });

  it('demands it of the column, on a large table without reading it in the switch', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ 'a!': { type: 'string' } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- nulls, owner
alter table "t_1"."item" alter column "a" set not null`);
    expect(item.large).toBe(`-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.a.present.check~new" check ("a" is not null) not valid
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.present.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- nulls, owner
alter table "t_1"."item" alter column "a" set not null
-- relations, owner
alter table "t_1"."item" drop constraint "item.a.present.check~new"`);
  });

  it('demands a value or an explicit null where both will do', () => {
    const item = change(closed({ a: { type: ['string', 'null'] } }), closed({ 'a!': { type: ['string', 'null'] } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in share row exclusive mode
-- check-rows, assert
select id
from "t_1"."item"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and ("a" is null and not coalesce((_extra -> 'a') = 'null'::jsonb, false))
limit 5`);
    expect(item.large).toBe(`-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.a.present.check~new" check ("a" is not null or (_extra -> 'a') is not null) not valid
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.present.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- relations, owner
alter table "t_1"."item" drop constraint "item.a.present.check~new"`);
  });

  it('brings the default to records without a value, and to no explicit null', () => {
    const item = change(
      closed({ a: { type: ['string', 'null'] } }),
      closed({ 'a!': { type: ['string', 'null'], default: 'x' } }),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in share row exclusive mode
-- values, tenant
update "t_1"."item"
set "a" = 'x'::text
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "a" is null
  and not coalesce((_extra -> 'a') = 'null'::jsonb, false)`);
    expect(item.large).toBe(`-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.a.present.check~new" check ("a" is not null or (_extra -> 'a') is not null) not valid
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
  set "a" = 'x'::text
  from batch
  where record.tenant_id = $1::uuid
    and record.id = batch.id
    and ("a" is null and not coalesce((_extra -> 'a') = 'null'::jsonb, false))
  returning record.id
)
select
  (select id from batch order by id desc limit 1) as last_id,
  (select count(*) from filled) as changed
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.present.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- relations, owner
alter table "t_1"."item" drop constraint "item.a.present.check~new"`);
  });

  it('writes nothing for a default of null: an empty column that is required says so', () => {
    const item = change(
      closed({ a: { type: ['string', 'null'] } }),
      closed({ 'a!': { type: ['string', 'null'], default: null } }),
    );
    expect(item.small).toBe('');
    expect(item.large).toBe('');
  });

  it('replaces the guard that let explicit nulls through', () => {
    const item = change(closed({ a: { type: ['string', 'null'] } }), closed({ a: { type: 'string' } }), {
      guards: new Set(['_extra.item.a.check']),
    });
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "_extra.item.a.check"
-- constraints, owner
alter table "t_1"."item" add constraint "_extra.item.a.check" check ((_extra -> 'a') is null)`);
    expect(item.large).toBe(`-- prepare-constraints, owner
alter table "t_1"."item" add constraint "_extra.item.a.check~new" check ((_extra -> 'a') is null) not valid
-- validate, owner
alter table "t_1"."item" validate constraint "_extra.item.a.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "_extra.item.a.check"
-- constraints, owner
alter table "t_1"."item" rename constraint "_extra.item.a.check~new" to "_extra.item.a.check"`);
  });

  it('lets a check speak for NOT NULL when null goes and the property was required already', () => {
    const item = change(closed({ 'a!': { type: ['string', 'null'] } }), closed({ 'a!': { type: 'string' } }));
    expect(item.large).toBe(`-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.a.present.check~new" check ("a" is not null) not valid
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.present.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- nulls, owner
alter table "t_1"."item" alter column "a" set not null
-- relations, owner
alter table "t_1"."item" drop constraint "item.a.present.check~new"`);
  });

  it('is undone by relaxing it; records that were filled keep their value', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ 'a!': { type: 'string', default: 'x' } }));
    expect(item.operation('require-value').describe()).toBe('"a" is required; records without it get "x"');
    expect(item.operation('require-value').risk).toEqual({
      level: 'restrictive',
      reversible: 'partly',
      reason: 'the records that were filled keep their value',
    });
    expect(item.operation('require-value').pointer).toBe('/properties/a');
    expect(item.operation('require-value').inverse).toEqual({ kind: 'relax-value', property: 'a' });
  });
});
