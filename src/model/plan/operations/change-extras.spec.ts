import { change, closed, open } from '../plan.fixture.js';

describe('whether undeclared members are kept', () => {
  it('refuses records that hold any, explicit nulls of properties aside', () => {
    const item = change(
      open({ a: { type: ['string', 'null'] }, b: { type: 'string' } }),
      closed({ a: { type: ['string', 'null'] }, c: { type: 'string', renamedFrom: 'b' } }),
    );
    expect(item.operation('change-extras').validate()).toEqual([
      {
        failing: "coalesce(_extra - array['a', 'b']::text[], '{}'::jsonb) <> '{}'::jsonb",
        message: 'a record holds undeclared members',
        wayOut: 'declare those members as properties, or remove them from the records',
      },
    ]);
  });

  it('lets nobody slip one in', () => {
    const item = change(open({ a: { type: ['string', 'null'] } }), closed({ a: { type: ['string', 'null'] } }));
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in share row exclusive mode
-- check-rows, assert
select id
from "t_1"."item"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and (coalesce(_extra - array['a']::text[], '{}'::jsonb) <> '{}'::jsonb)
limit 5`);
    expect(item.large).toBe(`-- prepare-constraints, owner
alter table "t_1"."item" add constraint "item.declared.check~new" check (coalesce(_extra - array['a']::text[], '{}'::jsonb) = '{}'::jsonb) not valid
-- validate, owner
alter table "t_1"."item" validate constraint "item.declared.check~new"
-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.declared.check~new"`);
  });

  it('has every record validated when members may be something, but not anything', () => {
    const item = change(
      open({ a: { type: 'string' } }),
      open({ a: { type: 'string' } }, { additionalProperties: { type: 'integer' } }),
    );
    expect(item.kinds).toEqual(['change-rules']);
  });

  it('needs no statement when they are welcome', () => {
    const item = change(closed({ a: { type: 'string' } }), open({ a: { type: 'string' } }));
    expect(item.draft.probes).toEqual([]);
    expect(item.small).toBe('');
    expect(item.large).toBe('');
  });

  it('forbidden, is undone by allowing them', () => {
    const item = change(open({ a: { type: 'string' } }), closed({ a: { type: 'string' } }));
    expect(item.operation('change-extras').describe()).toBe('undeclared members are no longer accepted');
    expect(item.operation('change-extras').risk).toEqual({ level: 'restrictive', reversible: 'yes' });
    expect(item.operation('change-extras').pointer).toBe('/additionalProperties');
    expect(item.operation('change-extras').inverse).toEqual({ kind: 'change-extras' });
  });

  it('allowed, is undone as far as records stored meanwhile allow', () => {
    const item = change(closed({ a: { type: 'string' } }), open({ a: { type: 'string' } }));
    expect(item.operation('change-extras').describe()).toBe('undeclared members are accepted and kept');
    expect(item.operation('change-extras').risk).toEqual({
      level: 'none',
      reversible: 'partly',
      reason: 'records stored meanwhile may hold undeclared members',
    });
    expect(item.operation('change-extras').pointer).toBe('/additionalProperties');
    expect(item.operation('change-extras').inverse).toEqual({ kind: 'change-extras' });
  });
});
