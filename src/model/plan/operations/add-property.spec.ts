import { change, closed } from '../plan.fixture.js';

describe('adding a property', () => {
  it('refuses one that is required and has no default, while there are records', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string' }, 'b!': { type: 'string' } }));
    expect(item.operation('add-property').validate()).toEqual([
      {
        failing: 'true',
        message: '"b" is required, and existing records have no value for it',
        wayOut: 'give "b" a "default", which existing records get, or add it as optional, fill it, and require it then',
      },
    ]);
  });

  it('asks no row about an optional one, nor about one with a default', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string' }, b: { type: 'string', unique: true }, 'c!': { type: 'string', default: 'x' } }),
    );
    expect(item.draft.probes).toEqual([]);
    expect(item.draft.conditions).toEqual([]);
  });

  it('asks about keys when the default would make records alike', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string' }, 'b!': { type: 'string', unique: true, default: 'x' } }),
    );
    expect(item.operation('add-property').validate()).toEqual([
      {
        query: `select id
from (
  select id, count(*) over (partition by "b") as alike
  from (
    select id, 'x'::text::text as "b"
    from "t_1"."item"
    where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and (true)
  ) as present
) as counted
where alike > 1`,
        message: 'several records have the same "b"',
        wayOut: 'change or delete all but one of each, then plan again',
      },
    ]);
  });

  it('adds the column with its checks and keys at once while the table is small', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({
        a: { type: 'string' },
        b: { type: 'string', maxLength: 8, unique: true, relation: { entity: 'site', field: 'code' } },
      }),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- columns, owner
alter table "t_1"."item" add column "b" text
-- constraints, owner
alter table "t_1"."item" add constraint "item.b.length.check" check (char_length("b") <= 8)
-- constraints, owner
alter table "t_1"."item" add constraint "item.b.key" unique ("b")
-- relations, owner
alter table "t_1"."item" add constraint "item.b.fkey" foreign key ("b") references "t_1"."site" ("code") on delete restrict
-- relations, assert
select id
from "t_1"."item" as referring
where referring.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "b" is not null
  and not exists (
    select
    from "t_1"."site" as target
    where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and target."code" = referring."b"
  )
limit 5`);
  });

  it('prepares all of it on a large one, under names that no document can use', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({
        a: { type: 'string' },
        b: { type: 'string', maxLength: 8, unique: true, relation: { entity: 'site', field: 'code' } },
      }),
    );
    expect(item.large).toBe(`-- prepare-columns, owner
alter table "t_1"."item" add column "b~new" text
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.b.length.check~new" check (char_length("b~new") <= 8) not valid
-- prepare-indexes, owner, alone
create unique index concurrently "item.b.key~new" on "t_1"."item" using btree ("b~new")
-- prepare-relations, owner
alter table "t_1"."item" add constraint "item.b.fkey~new" foreign key ("b~new") references "t_1"."site" ("code") on delete restrict not valid
-- validate, owner
alter table "t_1"."item" validate constraint "item.b.length.check~new"
-- validate, assert
select id
from "t_1"."item" as referring
where referring.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "b~new" is not null
  and not exists (
    select
    from "t_1"."site" as target
    where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and target."code" = referring."b~new"
  )
limit 5
-- validate, owner
alter table "t_1"."item" validate constraint "item.b.fkey~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename column "b~new" to "b"
-- constraints, owner
alter table "t_1"."item" rename constraint "item.b.length.check~new" to "item.b.length.check"
-- constraints, owner
alter table "t_1"."item" add constraint "item.b.key" unique using index "item.b.key~new"
-- constraints, owner
alter table "t_1"."item" rename constraint "item.b.fkey~new" to "item.b.fkey"`);
  });

  it('notes a default once for all records, and leaves no default behind', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string' }, 'b!': { type: 'string', default: "it's" } }),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- columns, owner
alter table "t_1"."item" add column "b" text default 'it''s'::text not null
-- nulls, owner
alter table "t_1"."item" alter column "b" drop default`);
    expect(item.large).toBe(`-- prepare-columns, owner
alter table "t_1"."item" add column "b~new" text default 'it''s'::text not null
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename column "b~new" to "b"
-- nulls, owner
alter table "t_1"."item" alter column "b" drop default`);
  });

  it('lets nobody slip in a record without a value that nothing else demands', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string' }, 'b!': { type: ['string', 'null'] } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- check-rows, assert
select id
from "t_1"."item"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and (true)
limit 5
-- columns, owner
alter table "t_1"."item" add column "b" text`);
  });

  it('is undone by dropping it, and loses nothing', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string' }, 'b!': { type: 'integer', default: 7 } }),
    );
    expect(item.operation('add-property').describe()).toBe('the required property "b" is added, with 7 in existing records');
    expect(item.operation('add-property').risk).toEqual({ level: 'restrictive', reversible: 'yes' });
    expect(item.operation('add-property').pointer).toBe('/properties/b');
    expect(item.operation('add-property').inverse).toEqual({ kind: 'drop-property', property: 'b' });
  });
});
