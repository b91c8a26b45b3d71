import { change, closed } from '../plan.fixture.js';

describe('rules that SQL can say', () => {
  it('refuse the values that break them, as they will be', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', maxLength: 4, enum: ['a', "it's"] } }));
    expect(item.kinds).toEqual(['add-check', 'add-check']);
    expect(item.draft.probes.map(({ probe }) => probe)).toEqual([
      {
        query: `select id
from (
  select id, "a"::text as "a"
  from "t_1"."item"
  where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
    and "a" is not null
) as former
where not (char_length("a") <= 4)`,
        message: 'a value of "a" breaks its new rules',
        wayOut: 'correct those records, or loosen the rules of "a"',
      },
      {
        query: `select id
from (
  select id, "a"::text as "a"
  from "t_1"."item"
  where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
    and "a" is not null
) as former
where not ("a" in ('a', 'it''s'))`,
        message: 'a value of "a" breaks its new rules',
        wayOut: 'correct those records, or loosen the rules of "a"',
      },
    ]);
  });

  it('are added at once, or checked beforehand without keeping anybody out', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', maxLength: 4 } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- constraints, owner
alter table "t_1"."item" add constraint "item.a.length.check" check (char_length("a") <= 4)`);
    expect(item.large).toBe(`-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.a.length.check~new" check (char_length("a") <= 4) not valid
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.length.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- constraints, owner
alter table "t_1"."item" rename constraint "item.a.length.check~new" to "item.a.length.check"`);
  });

  it('take the place of the one before in the switch', () => {
    const item = change(closed({ a: { type: 'string', maxLength: 8 } }), closed({ a: { type: 'string', maxLength: 4 } }));
    expect(item.kinds).toEqual(['drop-check', 'add-check']);
    expect(item.large).toBe(`-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.a.length.check~new" check (char_length("a") <= 4) not valid
-- validate, owner
alter table "t_1"."item" validate constraint "item.a.length.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.length.check"
-- constraints, owner
alter table "t_1"."item" rename constraint "item.a.length.check~new" to "item.a.length.check"`);
  });

  it('go without a question', () => {
    const item = change(closed({ a: { type: 'string', maxLength: 8 } }), closed({ a: { type: 'string' } }));
    expect(item.draft.probes).toEqual([]);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.length.check"`);
  });

  it('are undone by dropping them', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', maxLength: 4 } }));
    expect(item.operation('add-check').describe()).toBe('values of "a" have to satisfy check (char_length("a") <= 4)');
    expect(item.operation('add-check').risk).toEqual({ level: 'restrictive', reversible: 'yes' });
    expect(item.operation('add-check').pointer).toBe('/properties/a');
    expect(item.operation('add-check').inverse).toEqual({
      kind: 'drop-check',
      object: { name: 'item.a.length.check', definition: 'check (char_length("a") <= 4)', kind: 'check', properties: ['a'] },
    });
  });

  it('come back as far as values stored meanwhile allow', () => {
    const item = change(closed({ a: { type: 'string', maxLength: 4 } }), closed({ a: { type: 'string' } }));
    expect(item.operation('drop-check').describe()).toBe('values of "a" no longer have to satisfy check (char_length("a") <= 4)');
    expect(item.operation('drop-check').risk).toEqual({
      level: 'none',
      reversible: 'partly',
      reason: 'values stored meanwhile may break the rule when it comes back',
    });
    expect(item.operation('drop-check').pointer).toBe('/properties/a');
    expect(item.operation('drop-check').inverse).toEqual({
      kind: 'add-check',
      object: { name: 'item.a.length.check', definition: 'check (char_length("a") <= 4)', kind: 'check', properties: ['a'] },
    });
  });
});
