import { change, closed } from '../plan.fixture.js';

describe('relations', () => {
  it('refuse values that point at nothing', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string', relation: { entity: 'site', field: 'code' } } }),
    );
    expect(item.operation('add-relation').validate()).toEqual([
      {
        query: `select id
from (
  select id, "a"::text as "a"
  from "t_1"."item"
  where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
    and "a" is not null
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

  it('refuse values that point at nothing of the entity itself, as it will be', () => {
    const item = change(
      closed({ a: { type: 'string' }, b: { type: 'boolean' } }),
      closed({
        a: { type: 'string', relation: { entity: 'item', field: 'c' } },
        c: { type: 'string', unique: true, renamedFrom: 'b' },
      }),
    );
    expect(item.operation('add-relation').validate()).toEqual([
      {
        query: `select id
from (
  select id, "a"::text as "a"
  from "t_1"."item"
  where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
    and "a" is not null
) as former
where not exists (
  select
  from "t_1"."item" as target
  where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
    and ("b"::text) = former."a"
)`,
        message: '"a" holds a value that is the "c" of no "item"',
        wayOut: 'correct or remove those values, or store the missing "item" records first',
      },
    ]);
  });

  it('are added with their index, and the tenant looks for dangling values itself', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string', relation: { entity: 'site', field: 'code', onDelete: 'setNull' } } }),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in share row exclusive mode
-- indexes, owner
create index "item.a.fkey_idx" on "t_1"."item" using btree ("a")
-- relations, owner
alter table "t_1"."item" add constraint "item.a.fkey" foreign key ("a") references "t_1"."site" ("code") on delete set null
-- relations, assert
select id
from "t_1"."item" as referring
where referring.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "a" is not null
  and not exists (
    select
    from "t_1"."site" as target
    where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and target."code" = referring."a"
  )
limit 5`);
    expect(item.large).toBe(`-- prepare-indexes, owner, alone
create index concurrently "item.a.fkey_idx~new" on "t_1"."item" using btree ("a")
-- prepare-relations, owner
alter table "t_1"."item" add constraint "item.a.fkey~new" foreign key ("a") references "t_1"."site" ("code") on delete set null not valid
-- validate, assert
select id
from "t_1"."item" as referring
where referring.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "a" is not null
  and not exists (
    select
    from "t_1"."site" as target
    where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and target."code" = referring."a"
  )
limit 5
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.fkey~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- constraints, owner
alter table "t_1"."item" rename constraint "item.a.fkey~new" to "item.a.fkey"
-- indexes, owner
alter index "t_1"."item.a.fkey_idx~new" rename to "item.a.fkey_idx"`);
  });

  it('to the entity itself wait for the unique key they need', () => {
    const item = change(
      closed({ a: { type: 'string' }, code: { type: 'string' } }),
      closed({ a: { type: 'string', relation: { entity: 'item', field: 'code' } }, code: { type: 'string', unique: true } }),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- constraints, owner
alter table "t_1"."item" add constraint "item.code.key" unique ("code")
-- indexes, owner
create index "item.a.fkey_idx" on "t_1"."item" using btree ("a")
-- relations, owner
alter table "t_1"."item" add constraint "item.a.fkey" foreign key ("a") references "t_1"."item" ("code") on delete restrict
-- relations, assert
select id
from "t_1"."item" as referring
where referring.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "a" is not null
  and not exists (
    select
    from "t_1"."item" as target
    where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and target."code" = referring."a"
  )
limit 5`);
    expect(item.large).toBe(`-- prepare-indexes, owner, alone
create unique index concurrently "item.code.key~new" on "t_1"."item" using btree ("code")
-- prepare-indexes, owner, alone
create index concurrently "item.a.fkey_idx~new" on "t_1"."item" using btree ("a")
-- prepare-relations, owner
alter table "t_1"."item" add constraint "item.a.fkey~new" foreign key ("a") references "t_1"."item" ("code") on delete restrict not valid
-- validate, assert
select id
from "t_1"."item" as referring
where referring.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "a" is not null
  and not exists (
    select
    from "t_1"."item" as target
    where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and target."code" = referring."a"
  )
limit 5
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.fkey~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- constraints, owner
alter table "t_1"."item" add constraint "item.code.key" unique using index "item.code.key~new"
-- constraints, owner
alter table "t_1"."item" rename constraint "item.a.fkey~new" to "item.a.fkey"
-- indexes, owner
alter index "t_1"."item.a.fkey_idx~new" rename to "item.a.fkey_idx"`);
  });

  it('go before the unique key they needed', () => {
    const item = change(
      closed({ a: { type: 'string', relation: { entity: 'item', field: 'code' } }, code: { type: 'string', unique: true } }),
      closed({ a: { type: 'string' }, code: { type: 'string' } }),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-relations, owner
alter table "t_1"."item" drop constraint "item.a.fkey"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.code.key"
-- drop-indexes, owner
drop index "t_1"."item.a.fkey_idx"`);
  });

  it('are made anew for another action on delete, and checked beforehand', () => {
    const item = change(
      closed({ a: { type: 'string', relation: { entity: 'site', field: 'code' } } }),
      closed({ a: { type: 'string', relation: { entity: 'site', field: 'code', onDelete: 'cascade' } } }),
    );
    expect(item.kinds).toEqual(['drop-relation', 'add-relation']);
    expect(item.large).toBe(`-- prepare-relations, owner
alter table "t_1"."item" add constraint "item.a.fkey~new" foreign key ("a") references "t_1"."site" ("code") on delete cascade not valid
-- validate, assert
select id
from "t_1"."item" as referring
where referring.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "a" is not null
  and not exists (
    select
    from "t_1"."site" as target
    where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and target."code" = referring."a"
  )
limit 5
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.fkey~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-relations, owner
alter table "t_1"."item" drop constraint "item.a.fkey"
-- constraints, owner
alter table "t_1"."item" rename constraint "item.a.fkey~new" to "item.a.fkey"`);
  });

  it('are undone by dropping them', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string', index: true, relation: { entity: 'site', field: 'code' } } }),
    );
    expect(item.operation('add-relation').describe()).toBe('"a" refers to the "code" of "site", on delete restrict');
    expect(item.operation('add-relation').risk).toEqual({ level: 'restrictive', reversible: 'yes' });
    expect(item.operation('add-relation').pointer).toBe('/properties/a/relation');
    expect(item.operation('add-relation').inverse).toEqual({
      kind: 'drop-relation',
      object: {
        name: 'item.a.fkey',
        kind: 'foreign key',
        definition: 'foreign key ("a") references "t_1"."site" ("code") on delete restrict',
        properties: ['a'],
        reference: { column: '"a"', target: '"t_1"."site"', field: '"code"' },
      },
    });
  });

  it('come back as far as values stored meanwhile allow', () => {
    const item = change(
      closed({ a: { type: 'string', relation: { entity: 'site', field: 'code' } } }),
      closed({ a: { type: 'string' } }),
    );
    expect(item.operation('drop-relation').describe()).toBe('the foreign key of "a" is removed');
    expect(item.operation('drop-relation').risk).toEqual({
      level: 'none',
      reversible: 'partly',
      reason: 'values stored meanwhile may point at nothing when it comes back',
    });
    expect(item.operation('drop-relation').pointer).toBe('/properties/a/relation');
    expect(item.operation('drop-relation').inverse).toEqual({
      kind: 'add-relation',
      object: {
        name: 'item.a.fkey',
        kind: 'foreign key',
        definition: 'foreign key ("a") references "t_1"."site" ("code") on delete restrict',
        properties: ['a'],
        reference: { column: '"a"', target: '"t_1"."site"', field: '"code"' },
      },
    });
  });
});
