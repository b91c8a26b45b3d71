import { change, closed } from '../plan.fixture.js';

describe('rules that only validation knows', () => {
  it('have every record read, and read once for all of them', () => {
    const item = change(
      closed({ a: { type: ['string', 'null'] } }),
      closed({ a: { type: ['string', 'null'], pattern: '^a', format: 'email' } }),
    );
    expect(item.kinds).toEqual(['change-rules', 'change-rules']);
    expect(item.draft.probes.map(({ probe }) => probe)).toEqual([
      {
        rules: true,
        message: 'a record is not valid under the new document',
        wayOut: 'correct those records first, or loosen the rules',
      },
      {
        rules: true,
        message: 'a record is not valid under the new document',
        wayOut: 'correct those records first, or loosen the rules',
      },
    ]);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in share row exclusive mode
-- check-rows, rules
select "id", "created_at", "updated_at", "created_by", "updated_by", "revision", "a", "_extra"
from "t_1"."item"
where tenant_id = $1::uuid
  and id > $2::uuid
order by id
limit $3::bigint`);
  });

  it('have a large table read beforehand, and with the lock in hand only what changed since', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', pattern: '^a' } }));
    expect(item.large).toBe(`-- validate, rules
select "id", "created_at", "updated_at", "created_by", "updated_by", "revision", "a"
from "t_1"."item"
where tenant_id = $1::uuid
  and id > $2::uuid
order by id
limit $3::bigint
-- lock, owner
lock table "t_1"."item" in share row exclusive mode
-- check-rows, rules
select "id", "created_at", "updated_at", "created_by", "updated_by", "revision", "a"
from "t_1"."item"
where tenant_id = $1::uuid
  and id > $2::uuid
  and updated_at >= $4::timestamptz
order by id
limit $3::bigint`);
  });

  it('come back as far as records stored meanwhile allow', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ a: { type: 'string', pattern: '^a' } }));
    expect(item.operation('change-rules').describe()).toBe('the rule at /properties/a/pattern changes');
    expect(item.operation('change-rules').risk).toEqual({
      level: 'restrictive',
      reversible: 'partly',
      reason: 'records stored meanwhile may break the rules that come back',
    });
    expect(item.operation('change-rules').pointer).toBe('/properties/a/pattern');
    expect(item.operation('change-rules').inverse).toEqual({
      kind: 'change-rules',
      change: {
        kind: 'validation-changed',
        pointer: '/properties/a/pattern',
        message: 'the rule at /properties/a/pattern changes',
        additive: false,
        property: 'a',
      },
    });
  });
});
