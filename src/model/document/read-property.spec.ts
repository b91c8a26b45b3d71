import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { readProperty } from './read-property.js';
import { readReferences } from './references.js';

const references = readReferences({
  $defs: {
    date: { type: ['string', 'null'], format: 'date', default: '2020-01-01', readOnly: true },
    object: { type: 'object' },
  },
});
const read = (schema: JsonValue, name = 'p', required = false) => readProperty(name, schema, required, references);
const said = (schema: JsonValue, name?: string) =>
  read(schema, name).faults.map(({ pointer, rule, message }) => `${pointer} [${rule}] ${message}`);

describe('readProperty refuses', () => {
  it.each<[JsonObject, string]>([
    [
      { type: 'integer', precision: 3 },
      '/properties/p/precision [precision] precision belongs to "type": "string" with "format": "decimal" only',
    ],
    [{ type: 'string', scale: 3 }, '/properties/p/scale [scale] scale belongs to'],
    [
      { type: 'string', format: 'decimal', precision: 2, scale: 3 },
      '/properties/p/scale [scale] scale 3 is larger than precision 2',
    ],
    [{ type: 'string', format: 'numrange', precision: 3 }, '/properties/p/precision [precision] precision belongs to'],
    [
      { type: 'string', format: 'int8range', enum: ['[1,5)', '[1,5]'] },
      '/properties/p/enum/1 [enum] "[1,5]" would come back as "[1,6)": write it so',
    ],
    [{ type: 'integer', default: 1.5 }, '/properties/p/default [default] must be of type integer'],
    [{ type: 'integer', default: '1' }, '/properties/p/default [default] must be of type integer'],
    [{ type: ['string', 'null'], default: 1 }, '/properties/p/default [default] must be of type string or null'],
    [{ type: 'string', default: null }, '/properties/p/default [default] must be of type string'],
    [{ type: 'object', default: [] }, '/properties/p/default [default] must be of type object'],
    [{ type: 'array', default: {} }, '/properties/p/default [default] must be of type array'],
    [{ enum: [1, 'a'], default: 'b' }, '/properties/p/default [default] must be one of the values'],
    [{ const: { a: 1 }, default: { a: 2 } }, '/properties/p/default [default] must be one of the values'],
    [
      { type: 'string', generated: 'uuid', default: 'x' },
      '/properties/p/default [default] a generated property has no use for a default',
    ],
    [{ type: 'integer', generated: 'uuid' }, '/properties/p/generated [generated] "uuid" needs the property to be a string'],
    [
      { type: 'string', generated: 'now' },
      '/properties/p/generated [generated] "now" needs the property to be a string with "format": "date-time"',
    ],
    [{ type: 'string', format: 'date', generated: 'now' }, '/properties/p/generated [generated]'],
    [
      { type: 'string', format: 'uuid', generated: 'actor' },
      '/properties/p/generated [generated] "actor" needs the property to be a string without a format',
    ],
    [
      { type: 'array', relation: { entity: 'A' } },
      '/properties/p/relation [relation] a relation needs a property of one scalar type',
    ],
    [{ type: 'string', relation: { entity: 'other"."A' } }, '/properties/p/relation/entity [name]'],
    [{ type: 'string', relation: { entity: 'A', inverse: 'a b' } }, '/properties/p/relation/inverse [name]'],
    [
      { type: 'string', relation: { entity: 'A', inverse: 'id' } },
      '/properties/p/relation/inverse [relation] every record has a member "id"',
    ],
    [{ type: 'string', renamedFrom: 'p' }, '/properties/p/renamedFrom [renamedFrom] "p" cannot be renamed from itself'],
    [{ type: 'string', renamedFrom: 'tenant_id' }, '/properties/p/renamedFrom [name]'],
  ])('%j', (schema, message) => {
    const faults = said(schema);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(message);
  });

  it('a name that no property may have', () =>
    expect(said({}, 'a"b')).toEqual([expect.stringContaining('/properties/a"b [name]')]));
});

describe('readProperty reads', () => {
  it('a plain property with nothing in it that was not said', () => {
    expect(read({ type: 'string' }, 'name', true)).toEqual({
      faults: [],
      property: {
        ...{ name: 'name', column: 'name', type: 'text', required: true, nullable: false, checks: [] },
        ...{ immutable: false, readOnly: false, writeOnly: false },
      },
    });
  });

  it('every word', () => {
    const schema = {
      ...{ type: ['string', 'null'], format: 'decimal', precision: 12, scale: 2, default: '1.50', renamedFrom: 'old' },
      ...{
        immutable: true,
        readOnly: true,
        writeOnly: true,
        relation: { entity: 'A', field: 'f', onDelete: 'setNull', inverse: 'bs' },
      },
    };
    expect(read(schema, 'Name').property).toEqual({
      ...{ name: 'Name', column: 'Name', type: 'numeric', precision: 12, scale: 2, required: false, nullable: true, checks: [] },
      ...{ default: '1.50', renamedFrom: 'old', immutable: true, readOnly: true, writeOnly: true },
      relation: { entity: 'A', field: 'f', onDelete: 'setNull', inverse: 'bs' },
    });
  });

  it('a relation to id that restricts, unless told otherwise', () => {
    expect(read({ type: 'string', format: 'uuid', relation: { entity: 'A' } }).property.relation).toEqual({
      entity: 'A',
      field: 'id',
      onDelete: 'restrict',
    });
  });

  it('default and readOnly of what it refers to, its own default first', () => {
    expect(read({ $ref: '#/$defs/date' }).property).toMatchObject({
      type: 'date',
      nullable: true,
      default: '2020-01-01',
      readOnly: true,
    });
    expect(read({ $ref: '#/$defs/date', default: null }).property).toMatchObject({ default: null });
  });

  it.each<[JsonValue]>([
    [{ type: 'number', default: 1 }],
    [{ default: { any: ['thing'] } }],
    [{ type: ['string', 'null'], default: null }],
    [{ type: 'string', enum: ['a'], default: 'a' }],
    [{ type: 'string', generated: 'uuid' }],
    [{ type: 'string', format: 'uuid', generated: 'uuid' }],
    [{ type: 'string', format: 'date-time', generated: 'now' }],
    [{ type: 'string', generated: 'actor' }],
    [{ type: 'string', format: 'decimal', scale: 2 }],
    [true],
    [false],
  ])('%j without a fault', (schema) => expect(said(schema)).toEqual([]));

  it('true and false as jsonb that may be null', () => {
    for (const schema of [true, false])
      expect(read(schema).property).toMatchObject({ type: 'jsonb', nullable: true, checks: [] });
  });
});
