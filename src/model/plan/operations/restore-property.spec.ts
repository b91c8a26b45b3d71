import { change, changed, closed, open } from '../plan.fixture.js';
import { swapped } from '../swapped.js';

describe('restoring a property', () => {
  it('refuses a required one when records were written since', () => {
    const item = changed(swapped(change(closed({ 'b!': { type: 'string' } }), closed({})).t));
    expect(item.operation('restore-property').validate()).toEqual([
      {
        failing: '"~2~b" is null',
        message: '"b" is required, and records written since it was removed have no value',
        wayOut: 'restore it as optional, fill it, and require it then',
      },
    ]);
  });

  it('refuses when a record written since holds a member of its name', () => {
    const item = changed(swapped(change(open({ b: { type: 'string' } }), open({})).t));
    expect(item.operation('restore-property').validate()).toEqual([
      {
        failing: "(_extra -> 'b') is not null",
        message: 'a record written since holds an undeclared member "b"',
        wayOut: 'remove that member from those records first',
      },
    ]);
  });

  it('asks nothing of one that may be null, and adds no second column', () => {
    const item = changed(swapped(change(closed({ 'b!': { type: ['string', 'null'] } }), closed({})).t));
    expect(item.draft.probes).toEqual([]);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename column "~2~b" to "b"`);
  });

  it('shows the column again, gives later records the default, and builds its keys', () => {
    const item = changed(
      swapped(change(closed({ 'b!': { type: 'integer', minimum: 0, unique: true, default: 7 } }), closed({})).t),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename column "~2~b" to "b"
-- values, tenant
update "t_1"."item"
set "b" = '7'::bigint
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "b" is null
-- nulls, owner
alter table "t_1"."item" alter column "b" set not null
-- constraints, owner
alter table "t_1"."item" add constraint "item.b.range.check" check ("b" >= 0)
-- constraints, owner
alter table "t_1"."item" add constraint "item.b.key" unique ("b")`);
    expect(item.large).toBe(`-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.b.range.check~new" check ("~2~b" >= 0) not valid
-- prepare-indexes, owner, alone
create unique index concurrently "item.b.key~new" on "t_1"."item" using btree ("~2~b")
-- validate, owner
alter table "t_1"."item" validate constraint "item.b.range.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- rename, owner
alter table "t_1"."item" rename column "~2~b" to "b"
-- values, tenant
update "t_1"."item"
set "b" = '7'::bigint
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and "b" is null
-- nulls, owner
alter table "t_1"."item" alter column "b" set not null
-- constraints, owner
alter table "t_1"."item" rename constraint "item.b.range.check~new" to "item.b.range.check"
-- constraints, owner
alter table "t_1"."item" add constraint "item.b.key" unique using index "item.b.key~new"`);
  });

  it('keeps the name out of the undeclared members while it is prepared', () => {
    const item = changed(swapped(change(open({ b: { type: ['string', 'null'] } }), open({})).t));
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
alter table "t_1"."item" rename column "~2~b" to "b"
-- constraints, owner
alter table "t_1"."item" rename constraint "_extra.item.b.check~new" to "_extra.item.b.check"`);
  });

  it('reads what comes back when only validation knows its rules', () => {
    const { t } = change(closed({ b: { type: 'string' } }), closed({}));
    const item = change(closed({}), closed({ b: { type: 'string', pattern: '^a' } }), { kept: new Map([['b', '~2~b']]) });
    expect(t.version).toEqual(2);
    expect(item.kinds).toEqual(['restore-property', 'change-rules']);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- check-rows, rules
select "id", "created_at", "updated_at", "created_by", "updated_by", "revision", "~2~b"
from "t_1"."item"
where tenant_id = $1::uuid
  and id > $2::uuid
order by id
limit $3::bigint
-- rename, owner
alter table "t_1"."item" rename column "~2~b" to "b"`);
  });

  it('is undone by dropping it again', () => {
    const item = changed(swapped(change(closed({ 'b!': { type: 'integer', default: 7 } }), closed({})).t));
    expect(item.operation('restore-property').describe()).toBe(
      '"b" comes back with what records held in it when it was removed; records written since get 7',
    );
    expect(item.operation('restore-property').risk).toEqual({ level: 'restrictive', reversible: 'yes' });
    expect(item.operation('restore-property').pointer).toBe('/properties/b');
    expect(item.operation('restore-property').inverse).toEqual({ kind: 'drop-property', property: 'b' });
  });
});
