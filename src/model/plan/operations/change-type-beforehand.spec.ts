import { change, closed } from '../plan.fixture.js';

describe('changing a type beforehand', () => {
  it('fills a second column of a large one, and builds its checks and keys over that', () => {
    const item = change(
      closed({ 'a!': { type: 'string', maxLength: 8 }, b: { type: 'string' } }, { uniqueKeys: [['a', 'b']] }),
      closed({ 'a!': { type: 'boolean' }, b: { type: 'string' } }, { uniqueKeys: [['a', 'b']] }),
    );
    expect(item.large).toBe(`-- prepare-columns, owner
alter table "t_1"."item" add column "a~new" boolean
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.a.type.check~new" check (case when "a" is null then "a~new" is null when "a" in ('true', 'false') then "a~new" is not distinct from "a"::boolean else false end) not valid
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.a.filled.check~new" check ("a~new" is not null) not valid
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
create unique index concurrently "item.a.b.key~new" on "t_1"."item" using btree ("a~new", "b")
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.type.check~new"
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.filled.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.length.check"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.b.key"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.type.check~new"
-- types, owner
alter table "t_1"."item" drop column "a"
-- rename, owner
alter table "t_1"."item" rename column "a~new" to "a"
-- nulls, owner
alter table "t_1"."item" alter column "a" set not null
-- nulls, owner
alter table "t_1"."item" drop constraint "item.a.filled.check~new"
-- constraints, owner
alter table "t_1"."item" add constraint "item.a.b.key" unique using index "item.a.b.key~new"`);
  });

  it('fills a second column of a small one too where an assignment would bend the value of a writer who has not heard of it', () => {
    const item = change(closed({ a: { type: 'number' } }), closed({ a: { type: 'integer' } }));
    expect(item.small).toBe(`-- prepare-columns, owner
alter table "t_1"."item" add column "a~new" bigint
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.a.type.check~new" check (case when "a" is null then "a~new" is null when abs("a") <= 9007199254740991 and trunc("a") = "a" then "a~new" is not distinct from "a"::bigint else false end) not valid
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
  set "a~new" = case when abs("a") <= 9007199254740991 and trunc("a") = "a" then "a"::bigint end
  from batch
  where record.tenant_id = $1::uuid
    and record.id = batch.id
    and ("a" is not null and "a~new" is null)
  returning record.id
)
select
  (select id from batch order by id desc limit 1) as last_id,
  (select count(*) from filled) as changed
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.type.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.range.check"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.type.check~new"
-- types, owner
alter table "t_1"."item" drop column "a"
-- rename, owner
alter table "t_1"."item" rename column "a~new" to "a"`);
    expect(item.large === item.small).toEqual(true);
  });

  it('makes a foreign key anew whose two ends change', () => {
    const item = change(
      closed({ code: { type: 'string', unique: true }, up: { type: 'string', relation: { entity: 'item', field: 'code' } } }),
      closed({
        code: { type: 'string', format: 'date', unique: true },
        up: { type: 'string', format: 'date', relation: { entity: 'item', field: 'code' } },
      }),
    );
    expect(item.kinds).toEqual(['change-type', 'change-type']);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- check-rows, assert
select id
from "t_1"."item"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and (case when "code" is not null then not coalesce((case when "code" ~ '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then substr("code", 9, 2)::int <= extract(day from make_date(substr("code", 1, 4)::int, substr("code", 6, 2)::int, 1) + interval '1 month -1 day') else "code" is null end), false) else false end)
limit 5
-- check-rows, assert
select id
from "t_1"."item"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and (case when "up" is not null then not coalesce((case when "up" ~ '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then substr("up", 9, 2)::int <= extract(day from make_date(substr("up", 1, 4)::int, substr("up", 6, 2)::int, 1) + interval '1 month -1 day') else "up" is null end), false) else false end)
limit 5
-- drop-relations, owner
alter table "t_1"."item" drop constraint "item.up.fkey"
-- types, owner
alter table "t_1"."item" alter column "code" type date using "code"::date
-- types, owner
alter table "t_1"."item" alter column "up" type date using "up"::date
-- relations, owner
alter table "t_1"."item" add constraint "item.up.fkey" foreign key ("up") references "t_1"."item" ("code") on delete restrict
-- relations, assert
select id
from "t_1"."item" as referring
where referring.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "up" is not null
  and not exists (
    select
    from "t_1"."item" as target
    where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and target."code" = referring."up"
  )
limit 5`);
    expect(item.large).toBe(`-- prepare-columns, owner
alter table "t_1"."item" add column "code~new" date
-- prepare-columns, owner
alter table "t_1"."item" add column "up~new" date
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.code.type.check~new" check (case when "code" is null then "code~new" is null when case when "code" ~ '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then substr("code", 9, 2)::int <= extract(day from make_date(substr("code", 1, 4)::int, substr("code", 6, 2)::int, 1) + interval '1 month -1 day') else "code" is null end then "code~new" is not distinct from "code"::date else false end) not valid
-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.up.type.check~new" check (case when "up" is null then "up~new" is null when case when "up" ~ '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then substr("up", 9, 2)::int <= extract(day from make_date(substr("up", 1, 4)::int, substr("up", 6, 2)::int, 1) + interval '1 month -1 day') else "up" is null end then "up~new" is not distinct from "up"::date else false end) not valid
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
  set "code~new" = case when "code" is not null and "code~new" is null then case when case when "code" ~ '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then substr("code", 9, 2)::int <= extract(day from make_date(substr("code", 1, 4)::int, substr("code", 6, 2)::int, 1) + interval '1 month -1 day') else "code" is null end then "code"::date end else "code~new" end,
      "up~new" = case when "up" is not null and "up~new" is null then case when case when "up" ~ '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then substr("up", 9, 2)::int <= extract(day from make_date(substr("up", 1, 4)::int, substr("up", 6, 2)::int, 1) + interval '1 month -1 day') else "up" is null end then "up"::date end else "up~new" end
  from batch
  where record.tenant_id = $1::uuid
    and record.id = batch.id
    and ("code" is not null and "code~new" is null
      or "up" is not null and "up~new" is null)
  returning record.id
)
select
  (select id from batch order by id desc limit 1) as last_id,
  (select count(*) from filled) as changed
-- prepare-indexes, owner, alone
create unique index concurrently "item.code.key~new" on "t_1"."item" using btree ("code~new")
-- prepare-indexes, owner, alone
create index concurrently "item.up.fkey_idx~new" on "t_1"."item" using btree ("up~new")
-- prepare-relations, owner
alter table "t_1"."item" add constraint "item.up.fkey~new" foreign key ("up~new") references "t_1"."item" ("code~new") on delete restrict not valid
-- validate, owner
alter table "t_1"."item" validate constraint "item.code.type.check~new"
-- validate, owner
alter table "t_1"."item" validate constraint "item.up.type.check~new"
-- validate, assert
select id
from "t_1"."item" as referring
where referring.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "up~new" is not null
  and not exists (
    select
    from "t_1"."item" as target
    where target.tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
      and target."code~new" = referring."up~new"
  )
limit 5
-- validate, owner
alter table "t_1"."item" validate constraint "item.up.fkey~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-relations, owner
alter table "t_1"."item" drop constraint "item.up.fkey"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.code.key"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.code.type.check~new"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.up.type.check~new"
-- drop-indexes, owner
drop index "t_1"."item.up.fkey_idx"
-- types, owner
alter table "t_1"."item" drop column "code"
-- types, owner
alter table "t_1"."item" drop column "up"
-- rename, owner
alter table "t_1"."item" rename column "code~new" to "code"
-- rename, owner
alter table "t_1"."item" rename column "up~new" to "up"
-- constraints, owner
alter table "t_1"."item" add constraint "item.code.key" unique using index "item.code.key~new"
-- constraints, owner
alter table "t_1"."item" rename constraint "item.up.fkey~new" to "item.up.fkey"
-- indexes, owner
alter index "t_1"."item.up.fkey_idx~new" rename to "item.up.fkey_idx"`);
  });

  it('fills the columns of several changes in the same update, as each is held to what the others bring', () => {
    const item = change(
      closed({ 'a!': { type: 'number' }, 'b!': { type: 'number' } }),
      closed({ 'a!': { type: 'integer' }, 'b!': { type: 'integer' } }),
    );
    expect(
      item
        .plan()
        .statements.filter(({ stage }) => stage === 'backfill')
        .map(({ sql }) => sql),
    ).toEqual([
      `with batch as materialized (
  select id
  from "t_1"."item"
  where tenant_id = $1::uuid
    and id > $2::uuid
  order by id
  limit $3::bigint
),
filled as (
  update "t_1"."item" as record
  set "a~new" = case when "a" is not null and "a~new" is null then case when abs("a") <= 9007199254740991 and trunc("a") = "a" then "a"::bigint end else "a~new" end,
      "b~new" = case when "b" is not null and "b~new" is null then case when abs("b") <= 9007199254740991 and trunc("b") = "b" then "b"::bigint end else "b~new" end
  from batch
  where record.tenant_id = $1::uuid
    and record.id = batch.id
    and ("a" is not null and "a~new" is null
      or "b" is not null and "b~new" is null)
  returning record.id
)
select
  (select id from batch order by id desc limit 1) as last_id,
  (select count(*) from filled) as changed`,
    ]);
    expect(
      item
        .plan()
        .steps.filter(({ sql }) => sql.startsWith('with batch'))
        .map(({ operation, description }) => ({ operation, description })),
    ).toEqual([{ operation: null, description: 'existing records get what they lack, batch by batch' }]);
  });
});
