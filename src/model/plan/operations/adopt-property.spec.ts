import { change, open } from '../plan.fixture.js';

describe('declaring what records may hold already', () => {
  it('refuses records whose member is null, of another type, or breaks a rule', () => {
    const item = change(open({}), open({ b: { type: 'string', maxLength: 8 } }));
    expect(item.operation('adopt-property').validate()).toEqual([
      {
        failing: "coalesce((_extra -> 'b') = 'null'::jsonb, false)",
        message: 'a record holds an undeclared null under "b", which the property does not allow',
        wayOut: 'remove the member from those records, or allow "null" in the type of "b"',
      },
      {
        failing:
          "case when (_extra -> 'b') is not null and (_extra -> 'b') <> 'null'::jsonb then not coalesce((jsonb_typeof((_extra -> 'b')) = 'string'), false) else false end",
        message: 'what a record holds under "b" undeclared is not of the declared type',
        wayOut: 'correct or remove the member in those records, or declare another type or name',
      },
      {
        query: `select id
from (
  select id, (case when jsonb_typeof((_extra -> 'b')) = 'string' then ((_extra -> 'b') #>> '{}') end)::text as "b"
  from "t_1"."item"
  where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
    and (_extra -> 'b') is not null and (_extra -> 'b') <> 'null'::jsonb and (jsonb_typeof((_extra -> 'b')) = 'string')
) as former
where not (char_length("b") <= 8)`,
        message: 'a value of "b" breaks its new rules',
        wayOut: 'correct those records, or loosen the rules of "b"',
      },
    ]);
  });

  it('refuses records that lack what is required now', () => {
    const item = change(open({}), open({ 'b!': { type: ['string', 'null'] } }));
    expect(item.operation('adopt-property').validate()[0]).toEqual({
      failing: "(_extra -> 'b') is null",
      message: '"b" is required, and existing records have no value for it',
      wayOut: 'give "b" a "default", which existing records get, or add it as optional, fill it, and require it then',
    });
  });

  it('has every record validated where SQL does not say all that the schema does', () => {
    const item = change(open({}), open({ b: { type: 'string', pattern: '^a' } }));
    expect(item.kinds).toEqual(['adopt-property', 'change-rules']);
    expect(item.operation('change-rules').describe()).toBe(
      'every record is validated, because the optional property "b" is added, and records may already hold an undeclared member of that name',
    );
  });

  it('moves the values, and then keeps the member out of the undeclared ones', () => {
    const item = change(open({}), open({ b: { type: 'boolean' } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- columns, owner
alter table "t_1"."item" add column "b" boolean
-- values, tenant
update "t_1"."item"
set "b" = ((_extra -> 'b') #>> '{}')::boolean,
    _extra = nullif(_extra - 'b', '{}'::jsonb)
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and case when (_extra -> 'b') is not null and (_extra -> 'b') <> 'null'::jsonb then case when jsonb_typeof((_extra -> 'b')) = 'boolean' then ((_extra -> 'b') #>> '{}') in ('true', 'false') else (_extra -> 'b') is null end else false end
-- constraints, owner
alter table "t_1"."item" add constraint "_extra.item.b.check" check ((_extra -> 'b') is null)`);
  });

  it('moves them in the switch on a large table too: until then, undeclared is where they are', () => {
    const item = change(open({}), open({ b: { type: 'boolean', index: true } }));
    expect(item.large).toBe(`-- prepare-columns, owner
alter table "t_1"."item" add column "b~new" boolean
-- prepare-indexes, owner, alone
create index concurrently "item.b.idx~new" on "t_1"."item" using btree ("b~new")
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename column "b~new" to "b"
-- values, tenant
update "t_1"."item"
set "b" = ((_extra -> 'b') #>> '{}')::boolean,
    _extra = nullif(_extra - 'b', '{}'::jsonb)
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and case when (_extra -> 'b') is not null and (_extra -> 'b') <> 'null'::jsonb then case when jsonb_typeof((_extra -> 'b')) = 'boolean' then ((_extra -> 'b') #>> '{}') in ('true', 'false') else (_extra -> 'b') is null end else false end
-- constraints, owner
alter table "t_1"."item" add constraint "_extra.item.b.check" check ((_extra -> 'b') is null)
-- indexes, owner
alter index "t_1"."item.b.idx~new" rename to "item.b.idx"`);
  });

  it('demands a value when the values have moved, not before', () => {
    const item = change(open({}), open({ 'b!': { type: 'boolean' } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- columns, owner
alter table "t_1"."item" add column "b" boolean
-- values, tenant
update "t_1"."item"
set "b" = ((_extra -> 'b') #>> '{}')::boolean,
    _extra = nullif(_extra - 'b', '{}'::jsonb)
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and case when (_extra -> 'b') is not null and (_extra -> 'b') <> 'null'::jsonb then case when jsonb_typeof((_extra -> 'b')) = 'boolean' then ((_extra -> 'b') #>> '{}') in ('true', 'false') else (_extra -> 'b') is null end else false end
-- nulls, owner
alter table "t_1"."item" alter column "b" set not null
-- constraints, owner
alter table "t_1"."item" add constraint "_extra.item.b.check" check ((_extra -> 'b') is null)`);
  });

  it('gives a default to records without the member, and leaves an explicit null what it is', () => {
    const item = change(open({}), open({ 'b!': { type: ['boolean', 'null'], default: true } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- columns, owner
alter table "t_1"."item" add column "b" boolean default 'true'::boolean
-- values, tenant
update "t_1"."item"
set "b" = ((_extra -> 'b') #>> '{}')::boolean,
    _extra = nullif(_extra - 'b', '{}'::jsonb)
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and case when (_extra -> 'b') is not null and (_extra -> 'b') <> 'null'::jsonb then case when jsonb_typeof((_extra -> 'b')) = 'boolean' then ((_extra -> 'b') #>> '{}') in ('true', 'false') else (_extra -> 'b') is null end else false end
-- values, tenant
update "t_1"."item"
set "b" = null
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and coalesce((_extra -> 'b') = 'null'::jsonb, false)
-- nulls, owner
alter table "t_1"."item" alter column "b" drop default
-- constraints, owner
alter table "t_1"."item" add constraint "_extra.item.b.check" check ((_extra -> 'b') is null or _extra -> 'b' = 'null'::jsonb)`);
  });

  it('does not come back undeclared', () => {
    const item = change(open({}), open({ b: { type: 'boolean' } }));
    expect(item.operation('adopt-property').describe()).toBe(
      'the optional property "b" is added; what records hold under this name already moves into it',
    );
    expect(item.operation('adopt-property').risk).toEqual({
      level: 'none',
      reversible: 'partly',
      reason: 'what moved into the column is hidden with it, and not undeclared again',
    });
    expect(item.operation('adopt-property').pointer).toBe('/properties/b');
    expect(item.operation('adopt-property').inverse).toEqual({ kind: 'drop-property', property: 'b' });
  });
});
