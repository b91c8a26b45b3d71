import { type Check, type ColumnType, type Entity, KEEPS_NOTHING, type Property, type TenantHome } from '../entity.js';
import { addChecks } from './add-check.js';

const home: TenantHome = { tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', schema: 't_a', role: 'tn_a', ownerRole: 'own_a' };

function conditions(type: ColumnType, checks: readonly Check[]): string[] {
  const flags = { required: false, nullable: false, immutable: false, readOnly: false, writeOnly: false };
  const property: Property = { name: 'c', column: 'c', type, checks, ...flags };
  const entity: Entity = {
    name: 'e',
    table: 'e',
    properties: [property],
    keepsExtras: false,
    uniqueKeys: [],
    indexes: [],
    concurrency: 'optional',
    keeps: KEEPS_NOTHING,
    document: {},
  };
  return addChecks(home, entity, property).map((sql) => sql.replace('alter table "t_a"."e" add constraint ', ''));
}

describe('addChecks', () => {
  it('refuses a bound that is no number SQL could read', () => {
    expect(() => conditions('bigint', [{ kind: 'minimum', bound: Number.POSITIVE_INFINITY }])).toThrow('not a finite number');
  });

  it('refuses a value with U+0000', () => {
    expect(() => conditions('text', [{ kind: 'oneOf', values: ['a\u0000'] }])).toThrow('U+0000');
  });

  it('says nothing where there is nothing to say', () => {
    expect(conditions('text', [])).toEqual([]);
    expect(conditions('bigint', [])).toEqual([]);
  });

  it('keeps NaN and the infinities out of the two types that know them', () => {
    expect(conditions('double precision', [{ kind: 'minimum', bound: -0 }])).toEqual([
      `"e.c.range.check" check ("c" > '-Infinity' and "c" < 'Infinity' and "c" >= 0)`,
    ]);
    expect(conditions('numeric', [])).toEqual([`"e.c.range.check" check ("c" > '-Infinity' and "c" < 'Infinity')`]);
  });

  it('writes one constraint per group, whatever the order of the checks', () => {
    expect(
      conditions('text', [
        { kind: 'oneOf', values: ['a', 'b'] },
        { kind: 'maxLength', length: 3 },
        { kind: 'oneOf', values: ['a'] },
        { kind: 'minLength', length: 1 },
      ]),
    ).toEqual([
      `"e.c.length.check" check (char_length("c") <= 3 and char_length("c") >= 1)`,
      `"e.c.values.check" check ("c" in ('a', 'b') and "c" in ('a'))`,
    ]);
    expect(
      conditions('bigint', [
        { kind: 'minimum', bound: -5 },
        { kind: 'maximum', bound: 1.5 },
        { kind: 'exclusiveMinimum', bound: 1e-7 },
        { kind: 'exclusiveMaximum', bound: 1e21 },
      ]),
    ).toEqual([`"e.c.range.check" check ("c" >= -5 and "c" <= 1.5 and "c" > 1e-7 and "c" < 1e+21)`]);
  });

  it('leaves only null where no value is allowed', () => {
    expect(conditions('text', [{ kind: 'oneOf', values: [] }])).toEqual([`"e.c.values.check" check ("c" is null)`]);
  });
});
