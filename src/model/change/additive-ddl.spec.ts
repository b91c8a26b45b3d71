import type { Entity, Property, TenantHome } from '../entity.js';
import { additiveDdl } from './additive-ddl.js';

const home: TenantHome = { tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', schema: 't_a', role: 'tn_a', ownerRole: 'own_a' };

function property(name: string, rest: Partial<Property> = {}): Property {
  const flags = { required: false, nullable: false, checks: [], immutable: false, readOnly: false, writeOnly: false };
  return { name, column: name, type: 'text', ...flags, ...rest };
}

/** The document repeats just enough of the entity for its change to be recognised. */
function entity(properties: readonly Property[], rest: Partial<Entity> = {}): Entity {
  const document = {
    type: 'object',
    additionalProperties: rest.keepsExtras ?? false,
    required: properties.filter((one) => one.required).map((one) => one.name),
    properties: Object.fromEntries(properties.map((one) => [one.name, { type: one.type }])),
    indexes: (rest.indexes ?? []).map((index) => index.fields.map((field) => field.property)),
    uniqueKeys: (rest.uniqueKeys ?? []).filter((key) => key.properties.length > 1).map((key) => key.properties),
  };
  const none = { uniqueKeys: [], indexes: [] };
  return { name: 'part', table: 'part', properties, keepsExtras: false, concurrency: 'optional', document, ...none, ...rest };
}

const sku = property('sku', { required: true });
const nobody = () => undefined;

describe('additiveDdl', () => {
  it('refuses to run half of a change that is not additive', () => {
    const required = entity([sku, property('site', { required: true })]);
    expect(() => additiveDdl(home, entity([sku]), required, nobody)).toThrow(
      'not an additive change: property-added at /properties/site',
    );
    expect(() => additiveDdl(home, entity([sku, property('site')]), entity([sku]), nobody)).toThrow('property-removed');
    expect(() => additiveDdl(home, entity([sku]), { ...entity([sku]), table: 'other' }, nobody)).toThrow('schema-changed');
  });

  it('leaves the question about undeclared members to its caller', () => {
    const [before, after] = [entity([sku], { keepsExtras: true }), entity([sku, property('site')], { keepsExtras: true })];
    expect(additiveDdl(home, before, after, nobody)).toEqual(['alter table "t_a"."part" add column "site" text']);
  });

  it('is empty when only texts changed', () => {
    const before = entity([sku]);
    const after = { ...before, document: { ...before.document, title: 'Part' } };
    expect(additiveDdl(home, before, after, nobody)).toEqual([]);
  });

  it('adds columns first, then checks, keys, indexes and relations, and never a column default', () => {
    const maker = { ...entity([property('code', { type: 'bigint' })]), name: 'maker', table: 'maker' };
    const descending = false;
    const after = entity(
      [
        sku,
        property('maker', { type: 'bigint', relation: { entity: 'maker', field: 'code', onDelete: 'cascade' } }),
        property('parent', { column: 'parent_1', type: 'uuid', relation: { entity: 'part', field: 'id', onDelete: 'setNull' } }),
        property('site', { default: 'here', checks: [{ kind: 'oneOf', values: ['here', "it's"] }] }),
        property('price', { type: 'numeric', precision: 9, scale: 2, nullable: true }),
      ],
      {
        uniqueKeys: [{ name: 'part.sku.site.key', properties: ['sku', 'site'] }],
        indexes: [
          { name: 'part.sku.idx', method: 'btree', fields: [{ property: 'sku', descending }] },
          { name: 'part.parent_1.idx', method: 'btree', fields: [{ property: 'parent', descending }] },
        ],
      },
    );
    const sql = additiveDdl(home, entity([sku]), after, (name) => (name === 'maker' ? maker : undefined));
    expect(`${sql.join(';\n')};\n`).toBe(`alter table "t_a"."part" add column "maker" bigint;
alter table "t_a"."part" add column "parent_1" uuid;
alter table "t_a"."part" add column "site" text;
alter table "t_a"."part" add column "price" numeric(9,2);
alter table "t_a"."part" add constraint "part.site.values.check" check ("site" in ('here', 'it''s'));
alter table "t_a"."part" add constraint "part.price.range.check" check ("price" > '-Infinity' and "price" < 'Infinity');
alter table "t_a"."part" add constraint "part.sku.site.key" unique ("sku", "site");
create index "part.sku.idx" on "t_a"."part" using btree ("sku");
create index "part.parent_1.idx" on "t_a"."part" using btree ("parent_1");
alter table "t_a"."part" add constraint "part.maker.fkey" foreign key ("maker") references "t_a"."maker" ("code") on delete cascade;
create index "part.maker.fkey_idx" on "t_a"."part" using btree ("maker");
alter table "t_a"."part" add constraint "part.parent_1.fkey" foreign key ("parent_1") references "t_a"."part" ("id") on delete set null;
`);
  });

  it('never adds a second copy of what was there', () => {
    const index = { name: 'part.sku.idx', method: 'btree', fields: [{ property: 'sku', descending: false }] } as const;
    const key = { name: 'part.sku.key', properties: ['sku'] };
    const rest = { indexes: [index], uniqueKeys: [key] };
    expect(additiveDdl(home, entity([sku], rest), entity([sku, property('site')], rest), nobody)).toEqual([
      'alter table "t_a"."part" add column "site" text',
    ]);
  });
});
