import { type Entity, KEEPS_NOTHING, type Property, type Relation } from '../entity.js';
import { relationFaults } from './relation-faults.js';

const flags = { required: false, nullable: false, checks: [], immutable: false, readOnly: false, writeOnly: false };

function property(name: string, rest: Partial<Property>): Property {
  return { name, column: name, type: 'bigint', ...flags, ...rest };
}

function entity(name: string, rest: Partial<Entity>): Entity {
  const none = { properties: [], uniqueKeys: [], indexes: [], document: {} };
  return { name, table: name, keepsExtras: true, concurrency: 'optional', keeps: KEEPS_NOTHING, ...none, ...rest };
}

const album = entity('Album', {
  properties: [
    property('AlbumId', {}),
    property('Code', { type: 'numeric', precision: 10, scale: 2 }),
    property('Title', { type: 'text' }),
    property('Site', { type: 'text' }),
  ],
  uniqueKeys: [
    { name: 'k1', properties: ['AlbumId'] },
    { name: 'k2', properties: ['Code'] },
    { name: 'k3', properties: ['Title', 'Site'] },
  ],
});

/** The faults of a Track whose one property, called `a/b`, has this relation. */
function faults(
  relation: Partial<Relation>,
  rest: Partial<Property> = {},
  resolve = (name: string) => (name === 'Album' ? album : undefined),
) {
  const full: Relation = { entity: 'Album', field: 'AlbumId', onDelete: 'restrict', ...relation };
  const track = entity('Track', { properties: [property('a/b', { relation: full, ...rest })] });
  return relationFaults(track, resolve);
}

describe('relationFaults', () => {
  it.each(['album', 'ALBUM', 't_b.Album', '"Album"', 'Album ', 'Albüm', '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', '__proto__'])(
    'refuses the target %j: only an exact logical name finds an entity',
    (name) => {
      expect(faults({ entity: name })).toMatchObject([{ pointer: '/properties/a~1b/relation/entity', rule: 'relation' }]);
      const forgiving = () => album;
      expect(faults({ entity: name }, {}, forgiving)).toMatchObject([{ pointer: '/properties/a~1b/relation/entity' }]);
    },
  );

  it('says what to do about an unknown target', () => {
    expect(faults({ entity: 'album' })[0]?.message).toBe(
      'there is no entity named exactly "album" in this tenant: define it first, or correct the name',
    );
  });

  it.each([
    ['Nothing', 'has no property "Nothing"'],
    ['created_at', 'has no property "created_at"'],
    ['tenant_id', 'has no property "tenant_id"'],
    ['Title', 'is not unique on its own'],
  ])('refuses to point at %s', (field, message) => {
    const found = faults({ field }, { type: 'text' });
    expect(found).toMatchObject([{ pointer: '/properties/a~1b/relation/field' }]);
    expect(found[0]?.message).toContain(message);
  });

  it('refuses to point at what is encrypted, also at its own and although it is unique and of the same type', () => {
    const encrypted = { of: 'text' as const, searchable: true };
    const code = property('Code', { type: 'bytea', encrypted });
    const uniqueKeys = [{ name: 'k', properties: ['Code'] }];
    const pointing = property('a/b', { type: 'bytea', relation: { entity: 'Album', field: 'Code', onDelete: 'restrict' } });
    const sealed = entity('Album', { properties: [code], uniqueKeys });
    const found = [
      ...relationFaults(entity('Track', { properties: [pointing] }), () => sealed),
      ...relationFaults(entity('Album', { properties: [code, pointing], uniqueKeys }), () => undefined),
    ];
    const message = '"Code" of "Album" is encrypted, which the database cannot compare: use "id"';
    const fault = { pointer: '/properties/a~1b/relation/field', rule: 'relation', message };
    expect(found).toEqual([fault, fault]);
  });

  it('refuses two columns of different types', () => {
    expect(faults({ field: 'id' })[0]?.message).toBe(
      '"a/b" is stored as bigint but "id" of "Album" as uuid: give both the same type and format',
    );
    expect(faults({ field: 'AlbumId' }, { type: 'text' })).toMatchObject([{ pointer: '/properties/a~1b/relation/field' }]);
  });

  it('refuses setNull on a column that cannot be emptied, and tells every fault at once', () => {
    expect(faults({ onDelete: 'setNull' }, { required: true })).toMatchObject([
      { pointer: '/properties/a~1b/relation/onDelete' },
    ]);
    expect(faults({ entity: 'x', onDelete: 'setNull' }, { required: true })).toHaveLength(2);
  });

  it('accepts id, a natural key, another precision, and setNull where there is room for null', () => {
    expect(faults({})).toEqual([]);
    expect(faults({ field: 'id' }, { type: 'uuid' })).toEqual([]);
    expect(faults({ field: 'Code' }, { type: 'numeric', precision: 38, scale: 0 })).toEqual([]);
    expect(faults({ onDelete: 'setNull' }, { required: true, nullable: true })).toEqual([]);
    expect(faults({ onDelete: 'setNull' })).toEqual([]);
  });

  it('judges a self relation by the entity as it is being defined', () => {
    const boss = property('ReportsTo', { relation: { entity: 'Employee', field: 'EmployeeId', onDelete: 'restrict' } });
    const properties = [property('EmployeeId', {}), boss];
    const unique = entity('Employee', { properties, uniqueKeys: [{ name: 'k', properties: ['EmployeeId'] }] });
    const notUnique = entity('Employee', { properties });
    expect(relationFaults(unique, () => notUnique)).toEqual([]);
    expect(relationFaults(notUnique, () => unique)).toHaveLength(1);
  });
});
