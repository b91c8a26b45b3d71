import { change, closed } from '../plan.fixture.js';

describe('relaxing a value', () => {
  it('asks no row', () => {
    const item = change(
      closed({ 'a!': { type: 'string' }, b: { type: 'string' } }),
      closed({ a: { type: 'string' }, b: { type: ['string', 'null'] } }),
    );
    expect(item.draft.probes).toEqual([]);
  });

  it('demands nothing of the column any more', () => {
    const item = change(closed({ 'a!': { type: 'string' } }), closed({ a: { type: 'string' } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- nulls, owner
alter table "t_1"."item" alter column "a" drop not null`);
    expect(item.large === item.small).toEqual(true);
  });

  it('marks the nulls that were no more than an empty column while it was required', () => {
    const item = change(closed({ 'a!': { type: ['string', 'null'] } }), closed({ a: { type: ['string', 'null'] } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in share row exclusive mode
-- values, tenant
update "t_1"."item"
set _extra = coalesce(_extra, '{}'::jsonb) || jsonb_build_object('a', null)
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "a" is null
  and not coalesce((_extra -> 'a') = 'null'::jsonb, false)`);
    expect(item.large).toBe(`-- backfill, tenant
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
  set _extra = coalesce(_extra, '{}'::jsonb) || jsonb_build_object('a', null)
  from batch
  where record.tenant_id = $1::uuid
    and record.id = batch.id
    and ("a" is null and not coalesce((_extra -> 'a') = 'null'::jsonb, false))
  returning record.id
)
select
  (select id from batch order by id desc limit 1) as last_id,
  (select count(*) from filled) as changed`);
  });

  it('drops the guard that keeps explicit nulls out, once', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ b: { type: ['string', 'null'], renamedFrom: 'a' } }), {
      guards: new Set(['_extra.item.a.check']),
    });
    expect(item.kinds).toEqual(['rename-property', 'relax-value']);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "_extra.item.a.check"
-- rename, owner
alter table "t_1"."item" rename column "a" to "b"`);
  });

  it('is undone by requiring it, as far as records stored meanwhile allow', () => {
    const item = change(closed({ 'a!': { type: 'string' } }), closed({ a: { type: ['string', 'null'] } }));
    expect(item.operation('relax-value').describe()).toBe('"a" may be left out and may be null');
    expect(item.operation('relax-value').risk).toEqual({
      level: 'none',
      reversible: 'partly',
      reason: 'records stored meanwhile may lack the value when it is required again',
    });
    expect(item.operation('relax-value').pointer).toBe('/properties/a');
    expect(item.operation('relax-value').inverse).toEqual({ kind: 'require-value', property: 'a' });
  });
});
