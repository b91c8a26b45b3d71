import { type Entity, type Index, KEEPS_NOTHING, type Property, type TenantHome } from '../entity.js';
import { addIndex } from './add-index.js';

const home: TenantHome = { tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', schema: 't_a', role: 'tn_a', ownerRole: 'own_a' };
const flags = { required: false, nullable: false, checks: [], immutable: false, readOnly: false, writeOnly: false };
const a: Property = { name: 'a', column: 'a_1', type: 'text', ...flags };
const b: Property = { name: 'b', column: 'b', type: 'jsonb', ...flags };
const entity: Entity = {
  name: 'e',
  table: 'e',
  properties: [a, b],
  keepsExtras: false,
  uniqueKeys: [],
  indexes: [],
  concurrency: 'optional',
  keeps: KEEPS_NOTHING,
  document: {},
};

function sql(method: Index['method'], ...fields: string[]): string {
  const parsed = fields.map((field) => ({ property: field.replace('-', ''), descending: field.startsWith('-') }));
  return addIndex(home, entity, { name: 'i', method, fields: parsed }).join('\n');
}

describe('addIndex', () => {
  it('refuses a property the entity does not have', () => {
    expect(() => sql('btree', 'tenant_id')).toThrow('has no property "tenant_id"');
    expect(() => sql('btree', 'constructor')).toThrow('has no property "constructor"');
  });

  it('keeps direction for btree, and finds columns of properties and of system members', () => {
    expect(sql('btree', 'a', '-created_at')).toBe('create index "i" on "t_a"."e" using btree ("a_1", "created_at" desc)');
  });

  it('drops direction where the method has none', () => {
    expect(sql('gin', '-b')).toBe('create index "i" on "t_a"."e" using gin ("b")');
    expect(sql('brin', '-updated_at')).toBe('create index "i" on "t_a"."e" using brin ("updated_at")');
  });

  it('names the operator class of trgm with its schema', () => {
    expect(sql('trgm', 'a')).toBe('create index "i" on "t_a"."e" using gin ("a_1" public.gin_trgm_ops)');
  });
});
