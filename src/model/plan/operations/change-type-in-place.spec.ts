import { change, closed } from '../plan.fixture.js';

describe('changing a type in place', () => {
  it('rewrites nothing where every value stays what it is in the row, and prepares an index over the column that there is', () => {
    const item = change(
      closed({ a: { type: 'string', format: 'decimal', precision: 9, scale: 2 } }),
      closed({ a: { type: 'string', format: 'decimal', precision: 12, scale: 2, index: true } }),
    );
    expect(item.large).toBe(`-- prepare-indexes, owner, alone
create index concurrently "item.a.idx~new" on "t_1"."item" using btree ("a")
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.range.check"
-- types, owner
alter table "t_1"."item" alter column "a" type numeric(12,2) using "a"::numeric(12,2)
-- constraints, owner
alter table "t_1"."item" add constraint "item.a.range.check" check ("a" > '-Infinity' and "a" < 'Infinity')
-- indexes, owner
alter index "t_1"."item.a.idx~new" rename to "item.a.idx"`);
  });

  it('builds over a column that gets its type in the switch when it has it', () => {
    const item = change(
      closed({ a: { type: 'boolean' } }),
      closed({ a: { type: 'string', format: 'date', index: { method: 'brin' } } }),
    );
    expect(item.large).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- check-rows, assert
select id
from "t_1"."item"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and ("a" is not null)
limit 5
-- types, owner
alter table "t_1"."item" alter column "a" type date using null::date
-- indexes, owner
create index "item.a.brin_idx" on "t_1"."item" using brin ("a")`);
  });

  it('tells that an index is built again in the switch even so', () => {
    const item = change(
      closed({ a: { type: 'string', format: 'date-time-local', index: true } }),
      closed({ a: { type: 'string', format: 'date-time', index: true } }),
    );
    expect(item.plan(10_000_000).steps.map(({ sql, rows }) => [sql, rows])).toEqual([
      ['lock table "t_1"."item" in access exclusive mode', 0],
      ['alter table "t_1"."item" alter column "a" type timestamptz using "a"::timestamptz', 10000000],
    ]);
    expect(item.plan(10_000_000).needs).toEqual(['blocking']);
  });

  it('makes a foreign key over a column that is only then of the type it needs', () => {
    const item = change(
      closed({ a: { type: 'integer' } }),
      closed({ a: { type: 'string', format: 'uuid', relation: { entity: 'item' } } }),
    );
    expect(item.large).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- check-rows, assert
select id
from "t_1"."item"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and ("a" is not null)
limit 5
-- types, owner
alter table "t_1"."item" alter column "a" type uuid using null::uuid
-- indexes, owner
create index "item.a.fkey_idx" on "t_1"."item" using btree ("a")
-- relations, owner
alter table "t_1"."item" add constraint "item.a.fkey" foreign key ("a") references "t_1"."item" ("id") on delete restrict
-- relations, assert
select id
from "t_1"."item" as referring
where referring.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "a" is not null
  and not exists (
    select
    from "t_1"."item" as target
    where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and target."id" = referring."a"
  )
limit 5`);
  });
});
