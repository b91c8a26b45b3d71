import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { readEntity } from '../document/read-entity.js';
import type { Entity } from '../entity.js';
import type { VersionStep } from '../plan/lineage.js';
import type { FieldCipher } from '../sealed/field-cipher.js';
import { compilePastSealing } from './past-sealing.js';

const text = { type: 'string' };
const ID = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';

const step = (version: number, properties: JsonObject, words: JsonObject = {}): VersionStep => ({
  ...{ version, entity: readEntity('Item', { type: 'object', additionalProperties: false, properties, ...words }) },
  restored: new Map(),
});

const STEPS = [
  step(1, { n: { type: 'integer' }, a: text }),
  step(2, { n: { type: 'integer' }, a: text, who: { type: 'integer' } }),
  step(
    3,
    { n: { type: 'integer', encrypted: true }, a: { ...text, encrypted: true }, about: { type: 'integer', renamedFrom: 'who' } },
    { required: ['about'], subject: 'about' },
  ),
];

/** Says what it was given in the place of a cell. */
function keyed(entity: Entity): Entity {
  const properties = entity.properties.map((property) => {
    const seal = (id: string, value: JsonValue, about: string | null) => JSON.stringify([property.name, id === ID, value, about]);
    return { ...property, encrypted: { ...property.encrypted, cipher: { seal } as FieldCipher } };
  });
  return { ...entity, properties } as Entity;
}

const row = { id: ID, version: 1, plain: {}, subject: null, subjectNow: null };

describe('values of the past', () => {
  const { columns, subjects, sealed } = compilePastSealing(STEPS, keyed);

  it('are looked for by the columns of each version that a later one encrypted', () => {
    expect(JSON.parse(columns)).toEqual({ 1: ['n', 'a'], 2: ['n', 'a'] });
    expect(JSON.parse(subjects)).toEqual({ 2: 'who', 3: 'about' });
  });

  it('are encrypted as the JSON of their version, about whom the row said, or its record says now', () => {
    const plain = { n: '5', a: '"' };
    const cells = (whom: string | null) => ({
      'n~sealed': JSON.stringify(['n', true, 5, whom]),
      'a~sealed': JSON.stringify(['a', true, '"', whom]),
    });
    expect(sealed({ ...row, plain })).toEqual(cells(null));
    expect(sealed({ ...row, plain, subjectNow: '7' })).toEqual(cells('7'));
    expect(sealed({ ...row, version: 2, plain, subject: '8', subjectNow: '7' })).toEqual(cells('8'));
    expect(sealed({ ...row, plain: { a: 'x' } })).toEqual({ 'a~sealed': JSON.stringify(['a', true, 'x', null]) });
  });

  it('are gone with the keys that they were to be under', () => {
    const destroyed = compilePastSealing(STEPS, null);
    expect([destroyed.columns, destroyed.sealed({ ...row, plain: { a: 'x' } })]).toEqual([columns, {}]);
  });

  it('are none of a column that was not asked for', () => {
    expect(() => sealed({ ...row, plain: { b: 'x' } })).toThrow('not asked for');
  });
});
