import { type Entity, KEEPS_NOTHING, type Property, type Relation, type TenantHome } from '../entity.js';
import { addRelations } from './add-relation.js';

const home: TenantHome = { tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', schema: 't_a', role: 'tn_a', ownerRole: 'own_a' };

function property(name: string, relation?: Relation): Property {
  const flags = { required: false, nullable: false, checks: [], immutable: false, readOnly: false, writeOnly: false };
  return { name, column: name.toLowerCase(), type: 'bigint', relation, ...flags };
}

function entity(name: string, rest: Partial<Entity>): Entity {
  const none = { properties: [], uniqueKeys: [], indexes: [], document: {} };
  return { name, table: name.toLowerCase(), keepsExtras: true, concurrency: 'optional', keeps: KEEPS_NOTHING, ...none, ...rest };
}

const album = entity('Album', { properties: [property('AlbumId')], uniqueKeys: [{ name: 'k', properties: ['AlbumId'] }] });
const toAlbum: Relation = { entity: 'Album', field: 'AlbumId', onDelete: 'restrict' };
const find = (name: string) => (name === 'Album' ? album : undefined);

describe('addRelations', () => {
  it('refuses a target nobody knows', () => {
    const track = entity('Track', { properties: [property('x', { ...toAlbum, entity: 't_b.Album' })] });
    expect(() => addRelations(home, track, find)).toThrow('no entity "t_b.Album"');
  });

  it('is empty without relations', () => {
    expect(addRelations(home, album, find)).toEqual([]);
  });

  it('points at a natural key inside the same schema and indexes its own column', () => {
    const track = entity('Track', { properties: [property('AlbumId', toAlbum)] });
    expect(addRelations(home, track, find)).toEqual([
      'alter table "t_a"."track" add constraint "track.albumid.fkey" foreign key ("albumid") references "t_a"."album" ("albumid") on delete restrict',
      'create index "track.albumid.fkey_idx" on "t_a"."track" using btree ("albumid")',
    ]);
  });

  it('points at the entity itself as it is being defined, not as it was', () => {
    const relation: Relation = { entity: 'Employee', field: 'EmployeeId', onDelete: 'setNull' };
    const employee = entity('Employee', { properties: [property('EmployeeId'), property('ReportsTo', relation)] });
    expect(addRelations(home, employee, () => entity('Employee', { table: 'stale' }))[0]).toBe(
      'alter table "t_a"."employee" add constraint "employee.reportsto.fkey" foreign key ("reportsto") references "t_a"."employee" ("employeeid") on delete set null',
    );
  });

  it('points at id, and cascades', () => {
    const track = entity('Track', { properties: [property('x', { entity: 'Album', field: 'id', onDelete: 'cascade' })] });
    expect(addRelations(home, track, find)[0]).toMatch(/references "t_a"\."album" \("id"\) on delete cascade$/);
  });

  it('adds no index where a key or a btree index already starts with the column', () => {
    const properties = [property('a', toAlbum), property('b')];
    const forward = [
      { property: 'a', descending: false },
      { property: 'b', descending: false },
    ];
    const indexed = (rest: Partial<Entity>) => addRelations(home, entity('Track', { properties, ...rest }), find).length === 2;
    expect(indexed({ uniqueKeys: [{ name: 'k', properties: ['a', 'b'] }] })).toBe(false);
    expect(indexed({ indexes: [{ name: 'i', method: 'btree', fields: forward }] })).toBe(false);
    expect(indexed({ uniqueKeys: [{ name: 'k', properties: ['b', 'a'] }] })).toBe(true);
    expect(indexed({ indexes: [{ name: 'i', method: 'brin', fields: forward }] })).toBe(true);
    expect(indexed({ indexes: [{ name: 'i', method: 'btree', fields: [...forward].reverse() }] })).toBe(true);
  });
});
