import type { JsonObject } from '../../platform/json-value.js';
import { readKeys } from './read-keys.js';
import { readProperty } from './read-property.js';
import { readReferences } from './references.js';

const COLUMNS: JsonObject = { a: { type: 'string' }, b: { type: 'integer' }, flag: { type: 'boolean' }, tags: { type: 'array' } };

function read(document: JsonObject, columns: JsonObject = COLUMNS) {
  const whole = { ...document, properties: { ...columns, ...(document.properties as JsonObject | undefined) } };
  const properties = Object.entries(whole.properties).map(
    ([name, schema]) => readProperty(name, schema, false, readReferences(whole)).property,
  );
  return readKeys('T', whole, properties);
}
const said = (document: JsonObject) => read(document).faults.map(({ pointer, message }) => `${pointer}: ${message}`);

describe('readKeys refuses', () => {
  it.each<[JsonObject, string]>([
    [{ uniqueKeys: [['a', 'c']] }, '/uniqueKeys/0/1: there is no property "c"'],
    [{ uniqueKeys: [['a', 'created_by']] }, '/uniqueKeys/0/1: there is no property "created_by"'],
    [{ uniqueKeys: [['a', 'tags']] }, '/uniqueKeys/0/1: "tags" has no single scalar type'],
    [
      {
        uniqueKeys: [
          ['a', 'b'],
          ['b', 'a'],
        ],
      },
      '/uniqueKeys/1/0: the same properties are a unique key already',
    ],
    [{ properties: { tags: { type: 'array', unique: true } } }, '/properties/tags/unique: "tags" has no single scalar type'],
    [
      { properties: { tags: { type: 'array', index: true } } },
      '/properties/tags/index: "tags" is stored as jsonb, which only { "method": "gin" } can index',
    ],
    [
      { properties: { a: { type: 'string', index: { method: 'gin' } } } },
      '/properties/a/index: gin indexes jsonb only; "a" is stored as text',
    ],
    [
      { properties: { span: { type: 'string', format: 'daterange', index: { method: 'gin' } } } },
      '/properties/span/index: gin indexes jsonb only; "span" is stored as daterange, for which btree is right',
    ],
    [
      { properties: { flag: { type: 'boolean', index: { method: 'brin' } } } },
      '/properties/flag/index: brin needs an ordered type',
    ],
    [{ indexes: [['a', 'nope']] }, '/indexes/0/1: there is no property "nope" to index'],
    [{ indexes: [['tenant_id']] }, '/indexes/0/0: there is no property "tenant_id" to index'],
    [{ indexes: [['--a']] }, '/indexes/0/0: there is no property "-a" to index'],
    [{ indexes: [['a', '-a']] }, '/indexes/0/1: "a" is in this index already'],
    [{ indexes: [{ fields: ['-b'], method: 'brin' }] }, '/indexes/0/fields/0: only btree keeps an order'],
    [{ indexes: [{ fields: ['a', 'tags'], method: 'gin' }] }, '/indexes/0/fields/0: gin indexes jsonb only'],
  ])('%j', (document, message) => {
    const faults = said(document);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(message);
  });

  it('more than 64 altogether', () => {
    const indexed = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`p${i}`, { type: 'string', index: true, relation: { entity: 'A' } }]),
      );
    expect(said({ properties: indexed(32) })).toEqual([]);
    expect(said({ properties: indexed(33) })).toEqual([
      ': the entity has 66 indexes, unique keys and relations; at most 64 are allowed',
    ]);
  });
});

describe('readKeys, over what is encrypted', () => {
  const plain: JsonObject = { type: 'string', encrypted: true };
  const ssn: JsonObject = { type: 'string', encrypted: { searchable: 'equality' } };

  it.each<[JsonObject, string]>([
    [
      { properties: { p: { ...plain, unique: true } } },
      '/properties/p/unique: "p" is encrypted, and equal values of it are found with "encrypted": { "searchable": "equality" } only',
    ],
    [{ properties: { p: plain }, uniqueKeys: [['a', 'p']] }, '/uniqueKeys/0/1: "p" is encrypted, and equal values of it'],
    [{ properties: { p: { ...plain, index: true } } }, '/properties/p/index: "p" is encrypted, and an index could tell nothing'],
    [{ properties: { p: { ...ssn, index: true } } }, '/properties/p/index: "p" is encrypted, and has an index for equal values'],
    [
      { properties: { p: { type: 'array', encrypted: true, index: { method: 'gin' } } } },
      '/properties/p/index: "p" is encrypted',
    ],
    [
      { properties: { p: plain }, indexes: [['a', '-p']] },
      '/indexes/0/1: "p" is encrypted, and an index could tell nothing of it',
    ],
    [{ properties: { p: ssn }, indexes: [{ fields: ['p'] }] }, '/indexes/0/fields/0: "p" is encrypted, and has an index'],
  ])('refuses %j', (document, message) => {
    const faults = said(document);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(message);
  });

  it('has an index for each searchable property that no unique key begins with', () => {
    const { uniqueKeys, indexes, faults } = read({
      properties: { one: { ...ssn, unique: true }, two: ssn, three: ssn, four: ssn, five: plain },
      uniqueKeys: [
        ['two', 'a'],
        ['b', 'three'],
      ],
    });
    expect(faults).toEqual([]);
    expect(uniqueKeys.map(({ properties }) => properties)).toEqual([['one'], ['two', 'a'], ['b', 'three']]);
    const own = (property: string) => ({
      ...{ name: `T.${property}~sealed.idx`, method: 'btree', fields: [{ property, descending: false }] },
    });
    expect(indexes).toEqual([own('three'), own('four')]);
  });

  it('counts each as the two that it is', () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, ssn]));
    expect(said({ properties: many(32) })).toEqual([]);
    expect(said({ properties: many(33) })).toEqual([
      ': the entity has 66 indexes, unique keys and relations; at most 64 are allowed',
    ]);
    expect(said({ properties: { ...many(31), p: { ...ssn, unique: true }, n: { type: 'string', index: true } } })).toHaveLength(
      1,
    );
  });
});

describe('readKeys reads', () => {
  it('unique keys and indexes of every kind, in document order', () => {
    const { uniqueKeys, indexes, faults } = read({
      properties: {
        a: { type: 'string', unique: true, index: { method: 'brin' } },
        b: { type: 'integer', index: true },
        tags: { type: 'array', index: { method: 'gin' } },
      },
      uniqueKeys: [['b', 'a']],
      indexes: [['a', '-b'], ['-created_at', 'id'], { fields: ['b', 'a'], method: 'brin' }, { fields: ['flag'] }],
    });
    expect(faults).toEqual([]);
    expect(uniqueKeys).toEqual([
      { name: 'T.a.key', properties: ['a'] },
      { name: 'T.b.a.key', properties: ['b', 'a'] },
    ]);
    const up = (property: string) => ({ property, descending: false });
    const down = (property: string) => ({ property, descending: true });
    expect(indexes).toEqual([
      { name: 'T.a.brin_idx', method: 'brin', fields: [up('a')] },
      { name: 'T.b.idx', method: 'btree', fields: [up('b')] },
      { name: 'T.tags.gin_idx', method: 'gin', fields: [up('tags')] },
      { name: 'T.a.-b.idx', method: 'btree', fields: [up('a'), down('b')] },
      { name: 'T.-created_at.id.idx', method: 'btree', fields: [down('created_at'), up('id')] },
      { name: 'T.b.a.brin_idx', method: 'brin', fields: [up('b'), up('a')] },
      { name: 'T.flag.idx', method: 'btree', fields: [up('flag')] },
    ]);
  });

  it('one index where two places ask for the same', () => {
    expect(
      read({ properties: { a: { type: 'string', index: true } }, indexes: [['a'], { fields: ['a'], method: 'btree' }] }),
    ).toMatchObject({
      faults: [],
      indexes: [{ name: 'T.a.idx' }],
    });
  });

  it('different names for properties that share 64 bytes', () => {
    const long = 'x'.repeat(64);
    const { uniqueKeys, indexes } = read({
      properties: {
        [`${long}left`]: { type: 'string', unique: true, index: true },
        [`${long}right`]: { type: 'string', unique: true, index: true },
      },
    });
    const names = [...uniqueKeys, ...indexes].map(({ name }) => name);
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(45);
  });
});
