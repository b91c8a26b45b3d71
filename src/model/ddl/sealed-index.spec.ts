import type { JsonObject } from '../../platform/json-value.js';
import { readEntity } from '../document/read-entity.js';
import type { TenantHome } from '../entity.js';
import { createTable } from './create-table.js';
import { sealedKeyIndexes, uniqueKeyOfConstraint } from './sealed-index.js';

const HOME: TenantHome = {
  ...{ tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', schema: 't_1', role: 'tn_1', ownerRole: 'own_1' },
};
const SEALED = { type: 'string', encrypted: { searchable: 'equality' } };

const person = (words: JsonObject = {}, ssn: JsonObject = SEALED) =>
  readEntity('person', { type: 'object', properties: { site: { type: 'string' }, ssn }, ...words });

const indexesOf = (entity: ReturnType<typeof person>): string[] =>
  createTable(HOME, entity).filter((sql) => /^create (unique )?index|unique \(/.test(sql));

describe('keys and indexes over encrypted properties', () => {
  it('are two, one for each slot of the tags, and no constraint', () => {
    expect(indexesOf(person({}, { ...SEALED, unique: true }))).toEqual([
      `create unique index "person.ssn~sealed.key0" on "t_1"."person" using btree (nullif(substring("ssn~sealed", 7, 16), '\\x00000000000000000000000000000000'::bytea))`,
      `create unique index "person.ssn~sealed.key1" on "t_1"."person" using btree (nullif(substring("ssn~sealed", 23, 16), '\\x00000000000000000000000000000000'::bytea))`,
    ]);
    expect(indexesOf(person()).map((sql) => sql.split(' on ')[0])).toEqual([
      'create index "person.ssn~sealed.idx0"',
      'create index "person.ssn~sealed.idx1"',
    ]);
  });

  it('compare members that are not encrypted as they are', () => {
    const [first] = indexesOf(person({ uniqueKeys: [['ssn', 'site']] }));
    expect(first).toMatch(/\(nullif\(substring\("ssn~sealed", 7, 16\), .*::bytea\), "site"\)$/);
  });

  it('are told apart by names that Postgres does not cut', () => {
    const long = 'a'.repeat(60);
    const entity = readEntity('person', { type: 'object', properties: { [long]: { ...SEALED, unique: true } } });
    const names = entity.uniqueKeys.flatMap((key) => sealedKeyIndexes(entity, key).map(({ name }) => name));
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(45);
  });

  it('say which properties two records have in common', () => {
    const entity = person({ uniqueKeys: [['ssn', 'site']] });
    expect(uniqueKeyOfConstraint(entity, 'person.ssn~sealed.site.key1')).toEqual(['ssn', 'site']);
    expect(uniqueKeyOfConstraint(entity, 'person.ssn~sealed.site.key')).toBeUndefined();
    expect(uniqueKeyOfConstraint(person({}, { type: 'string', unique: true }), 'person.ssn.key')).toEqual(['ssn']);
  });
});
