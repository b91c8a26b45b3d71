import { change, closed, open } from '../plan.fixture.js';

describe('dropping a property', () => {
  it('asks no row: what records hold is hidden, not gone', () => {
    const item = change(
      closed({ a: { type: 'string' }, 'b!': { type: 'string', unique: true } }),
      closed({ a: { type: 'string' } }),
    );
    expect(item.draft.probes).toEqual([]);
    expect(item.draft.conditions).toEqual(['"b" is not null']);
    expect(item.plan().needs).toEqual(['destructive']);
  });

  it('drops its keys, and hides its column under a name that no document can use', () => {
    const item = change(
      closed({
        a: { type: 'string' },
        'b!': { type: 'string', maxLength: 8, unique: true, relation: { entity: 'site', field: 'code' } },
      }),
      closed({ a: { type: 'string' } }),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-relations, owner
alter table "t_1"."item" drop constraint "item.b.fkey"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.b.length.check"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.b.key"
-- hide, owner
alter table "t_1"."item" rename column "b" to "~2~b"
-- hide, owner
alter table "t_1"."item" alter column "~2~b" drop not null`);
    expect(item.large === item.small).toEqual(true);
  });

  it('drops keys that it shared, and the guard of its name', () => {
    const item = change(
      open({ a: { type: 'string' }, b: { type: 'string' } }, { uniqueKeys: [['a', 'b']] }),
      open({ a: { type: 'string' } }),
      { guards: new Set(['_extra.item.b.check']) },
    );
    expect(item.kinds).toEqual(['drop-property', 'drop-unique']);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "_extra.item.b.check"
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.b.key"
-- hide, owner
alter table "t_1"."item" rename column "b" to "~2~b"`);
  });

  it('forgets explicit nulls, which would turn into undeclared members', () => {
    const item = change(closed({ a: { type: ['string', 'null'] }, 'b!': { type: ['string', 'null'] } }), closed({}));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- hide, owner
alter table "t_1"."item" rename column "a" to "~2~a"
-- hide, owner
alter table "t_1"."item" rename column "b" to "~2~b"
-- values, tenant
update "t_1"."item"
set _extra = nullif(_extra - 'a', '{}'::jsonb)
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and coalesce((_extra -> 'a') = 'null'::jsonb, false)
-- values, tenant
update "t_1"."item"
set _extra = nullif(_extra - 'b', '{}'::jsonb)
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and coalesce((_extra -> 'b') = 'null'::jsonb, false)`);
  });

  it('has every record validated when it stays among the required members', () => {
    const item = change(open({ 'b!': { type: 'string' } }), open({}, { required: ['b'] }));
    expect(item.kinds).toEqual(['drop-property', 'change-rules']);
  });

  it('is undone by restoring it', () => {
    const item = change(closed({ 'b!': { type: ['string', 'null'] } }), closed({}));
    expect(item.operation('drop-property').describe()).toBe(
      '"b" is removed; what records hold in it is hidden, and kept for its retention',
    );
    expect(item.operation('drop-property').risk).toEqual({ level: 'destructive', reversible: 'yes' });
    expect(item.operation('drop-property').pointer).toBe('/properties/b');
    expect(item.operation('drop-property').inverse).toEqual({ kind: 'restore-property', property: 'b' });
  });

  it('tells that an absent member and an explicit null are one when it comes back', () => {
    const item = change(closed({ b: { type: ['string', 'null'] } }), closed({}));
    expect(item.operation('drop-property').risk).toEqual({
      level: 'destructive',
      reversible: 'partly',
      reason: 'an explicit null comes back as an absent member',
    });
  });
});
