import { change, closed } from '../plan.fixture.js';

describe('changing a type', () => {
  it('refuses values that would not say the same, and those that break a new rule', () => {
    const item = change(
      closed({ a: { type: 'string' } }),
      closed({ a: { type: 'string', format: 'byte' }, b: { type: 'string' } }),
    );
    expect(item.operation('change-type').validate()).toEqual([
      {
        failing:
          'case when "a" is not null then not coalesce(("a" ~ \'^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$\'), false) else false end',
        message:
          'the value of "a" would not say the same as bytea: a text stays the same JSON string; it has to be canonical base64 (RFC 4648 §4)',
        wayOut: 'correct those records first, or add a property of the new type under another name',
      },
    ]);
  });

  it('refuses any value where there is no exact conversion', () => {
    const item = change(closed({ a: { type: 'boolean' } }), closed({ a: { type: 'string', format: 'date' } }));
    expect(item.operation('change-type').validate()).toEqual([
      {
        failing: '"a" is not null',
        message: 'there is no exact conversion of "a" from boolean to date',
        wayOut: 'add a property of the new type under another name, fill it through the API, and remove the old one',
      },
    ]);
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- check-rows, assert
select id
from "t_1"."item"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and ("a" is not null)
limit 5
-- types, owner
alter table "t_1"."item" alter column "a" type date using null::date`);
    expect(item.large === item.small).toEqual(true);
  });

  it('refuses texts that become the same number under a unique key', () => {
    const item = change(
      closed({ a: { type: 'string', unique: true } }),
      closed({ a: { type: 'string', format: 'decimal', unique: true } }),
    );
    expect(
      item
        .operation('change-type')
        .validate()
        .map(({ message }) => message),
    ).toEqual([
      'the value of "a" would not say the same as numeric: a text stays the same JSON string; it has to be a decimal without leading zeros, with at most 1,000 digits',
      'a value of "a" breaks its new rules',
      'several records have the same "a"',
    ]);
  });

  it('has every record validated where the new column holds more than the new schema allows', () => {
    const item = change(
      closed({ a: { type: 'string' }, b: { type: 'string' } }),
      closed({ a: { type: 'array' }, b: { type: 'string', format: 'ipv4' } }),
    );
    expect(item.kinds).toEqual(['change-type', 'change-type', 'change-rules', 'change-rules']);
  });

  it('has every record validated when only the digits that a decimal may have change', () => {
    const item = change(
      closed({ a: { type: 'string', format: 'decimal', precision: 12 } }),
      closed({ a: { type: 'string', format: 'decimal', precision: 5 } }),
    );
    expect(item.kinds).toEqual(['change-rules']);
  });

  it('rewrites a small table at once, when nothing has come that would not say the same', () => {
    const item = change(
      closed({ 'a!': { type: 'string', maxLength: 8, unique: true } }),
      closed({ 'a!': { type: 'boolean', unique: true } }),
    );
    expect(item.small).toBe(`-- lock, owner
lock table "t_1"."item" in access exclusive mode
-- check-rows, assert
select id
from "t_1"."item"
where tenant_id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'::uuid
  and (case when "a" is not null then not coalesce(("a" in ('true', 'false')), false) else false end)
limit 5
-- drop-constraints, owner
alter table "t_1"."item" drop constraint "item.a.length.check"
-- types, owner
alter table "t_1"."item" alter column "a" type boolean using "a"::boolean`);
  });

  it('is undone by the exact way back', () => {
    const item = change(closed({ a: { type: 'integer' } }), closed({ a: { type: 'string' } }));
    expect(item.operation('change-type').describe()).toBe(
      'the type of "a" changes from bigint to text: each JSON number becomes a JSON string of the same text',
    );
    expect(item.operation('change-type').risk).toEqual({ level: 'restrictive', reversible: 'yes' });
    expect(item.operation('change-type').pointer).toBe('/properties/a');
    expect(item.operation('change-type').inverse).toEqual({ kind: 'change-type', property: 'a' });
  });
});
