import type { JsonObject } from '../../platform/json-value.js';
import type { Check, ColumnType } from '../entity.js';
import { RANGE_TYPES } from '../values/range.js';
import { admitsNull, checksOf, columnTypeOf, conjuncts } from './column-type.js';
import { readReferences } from './references.js';

const read = (schema: JsonObject, $defs: JsonObject = {}) =>
  conjuncts(schema, readReferences({ properties: { p: schema }, $defs }));
const typeOf = (schema: JsonObject, $defs?: JsonObject) => columnTypeOf(read(schema, $defs));
const checks = (schema: JsonObject, $defs?: JsonObject) => checksOf(read(schema, $defs), typeOf(schema, $defs));
const oneOf = (...values: string[]): Check[] => [{ kind: 'oneOf', values }];

describe('columnTypeOf', () => {
  it.each<[JsonObject, ColumnType]>([
    [{ type: 'string' }, 'text'],
    [{ type: 'string', format: 'uuid' }, 'uuid'],
    [{ type: 'string', format: 'date' }, 'date'],
    [{ type: 'string', format: 'date-time' }, 'timestamptz'],
    [{ type: 'string', format: 'date-time-local' }, 'timestamp'],
    [{ type: 'string', format: 'time' }, 'time'],
    [{ type: 'string', format: 'ipv4' }, 'inet'],
    [{ type: 'string', format: 'ipv6' }, 'inet'],
    [{ type: 'string', format: 'byte' }, 'bytea'],
    [{ type: 'string', contentEncoding: 'base64' }, 'bytea'],
    [{ type: 'string', format: 'decimal', precision: 12, scale: 2 }, 'numeric'],
    ...RANGE_TYPES.map((format): [JsonObject, ColumnType] => [{ type: ['string', 'null'], format }, format]),
    [{ type: 'string', format: 'int4range' }, 'text'],
    [{ type: 'string', format: 'duration' }, 'text'],
    [{ type: 'string', format: 'email' }, 'text'],
    [{ type: 'string', format: 'uri' }, 'text'],
    [{ type: 'string', format: 'nobody-knows' }, 'text'],
    [{ type: 'string', contentEncoding: 'quoted-printable' }, 'text'],
    [{ type: 'string', enum: ['a'] }, 'text'],
    [{ type: 'integer' }, 'bigint'],
    [{ type: 'integer', format: 'uuid' }, 'bigint'],
    [{ type: 'number' }, 'double precision'],
    [{ type: 'boolean' }, 'boolean'],
    [{ type: 'object' }, 'jsonb'],
    [{ type: 'array' }, 'jsonb'],
    [{ type: 'null' }, 'jsonb'],
    [{ type: ['string', 'integer'] }, 'jsonb'],
    [{ type: ['integer', 'number'] }, 'jsonb'],
    [{ type: ['integer', 'null'] }, 'bigint'],
    [{ type: ['null', 'string'], format: 'date' }, 'date'],
    [{ type: ['string'] }, 'text'],
    [{}, 'jsonb'],
    [{ const: 'a' }, 'jsonb'],
    [{ enum: ['a', 'b'] }, 'jsonb'],
    [{ oneOf: [{ type: 'string' }, { type: 'integer' }] }, 'jsonb'],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'jsonb'],
    [{ format: 'date' }, 'jsonb'],
  ])('%j is stored as %s', (schema, type) => expect(typeOf(schema)).toBe(type));

  it.each([true, false])('%j is stored as jsonb', (schema) => {
    expect(columnTypeOf(conjuncts(schema, readReferences({})))).toBe('jsonb');
  });

  const defs = {
    money: { type: 'string', format: 'decimal' },
    count: { type: 'integer', minimum: 0 },
    number: { type: 'number' },
    again: { $ref: '#/$defs/money' },
    object: { type: 'object' },
    nullable: { type: ['string', 'null'], format: 'date' },
    anything: true,
  };
  it.each<[JsonObject, ColumnType]>([
    [{ $ref: '#/$defs/money' }, 'numeric'],
    [{ $ref: '#/$defs/again' }, 'numeric'],
    [{ $ref: '#/$defs/count', maximum: 9 }, 'bigint'],
    [{ $ref: '#/$defs/count', type: 'number' }, 'bigint'],
    [{ $ref: '#/$defs/number', type: 'integer' }, 'bigint'],
    [{ $ref: '#/$defs/count', type: 'string' }, 'jsonb'],
    [{ $ref: '#/$defs/money', format: 'uuid' }, 'text'],
    [{ $ref: '#/$defs/nullable', type: 'string' }, 'date'],
    [{ $ref: '#/$defs/object' }, 'jsonb'],
    [{ $ref: '#/$defs/anything', type: 'string' }, 'text'],
    [{ $ref: '#/$defs/missing', type: 'string' }, 'text'],
  ])('%j is stored as %s by what it refers to', (schema, type) => expect(typeOf(schema, defs)).toBe(type));
});

describe('admitsNull', () => {
  it.each<[JsonObject, boolean]>([
    [{ type: 'string' }, false],
    [{ type: ['string', 'null'] }, true],
    [{ type: 'null' }, true],
    [{}, true],
    [{ enum: [null, 1] }, true],
    [{ enum: [1] }, false],
    [{ const: null }, true],
    [{ const: 0 }, false],
    [{ type: 'string', enum: ['a', null] }, false],
    [{ type: ['string', 'null'], enum: ['a'] }, false],
    [{ oneOf: [{ type: 'string' }] }, true],
    [{ $ref: '#/$defs/s' }, false],
    [{ $ref: '#/$defs/n' }, true],
    [{ $ref: '#/$defs/n', type: 'string' }, false],
    [{ $ref: '#/$defs/n', enum: ['a'] }, false],
  ])('%j: %s', (schema, nullable) => {
    expect(admitsNull(read(schema, { s: { type: 'string' }, n: { type: ['string', 'null'] } }))).toBe(nullable);
  });
});

describe('checksOf', () => {
  it.each<[JsonObject, readonly Check[]]>([
    [
      { type: 'string', minLength: 1, maxLength: 3, pattern: 'a', minimum: 4 },
      [
        { kind: 'minLength', length: 1 },
        { kind: 'maxLength', length: 3 },
      ],
    ],
    [
      { type: 'integer', minimum: 0.5, exclusiveMaximum: 9, maxLength: 2, multipleOf: 2 },
      [
        { kind: 'minimum', bound: 0.5 },
        { kind: 'exclusiveMaximum', bound: 9 },
      ],
    ],
    [
      { type: ['number', 'null'], exclusiveMinimum: 0, maximum: 0.1 },
      [
        { kind: 'exclusiveMinimum', bound: 0 },
        { kind: 'maximum', bound: 0.1 },
      ],
    ],
    [{ type: 'string', enum: ["it's", '$$', 'a\\b', 1, null] }, oneOf("it's", '$$', 'a\\b')],
    [{ type: ['string', 'null'], enum: [null] }, oneOf()],
    [{ type: 'string', const: 'a' }, oneOf('a')],
    [{ type: 'string', const: 'a', enum: ['a', 'b'] }, oneOf('a')],
    [{ type: 'integer', enum: [1, 2.0, 2.5, '3', 1e20] }, oneOf('1', '2')],
    [{ type: 'number', enum: [0.1, -0, 1e21] }, oneOf('0.1', '0', '1e+21')],
    [{ type: 'boolean', const: true }, oneOf('true')],
    [
      { type: 'string', format: 'uuid', const: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b' },
      oneOf('0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'),
    ],
    [{ type: 'string', format: 'uuid', const: '0190A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B' }, []],
    [{ type: 'string', format: 'date-time', enum: ['2020-01-01T00:00:00Z'], maxLength: 30 }, []],
    [{ type: 'string', format: 'decimal', enum: ['1.0'] }, []],
    [{ type: 'string', format: 'byte', maxLength: 4 }, []],
    [{ enum: ['a'], maxLength: 1, minimum: 3 }, []],
    [{ type: 'object', const: {} }, []],
  ])('%j gives %j', (schema, expected) => expect(checks(schema)).toEqual(expected));

  it('takes the strictest of what a property and its reference say', () => {
    const $defs = {
      name: { type: 'string', minLength: 2, maxLength: 50, enum: ['ab', 'abc', 'abcd'] },
      count: { type: 'integer', minimum: 0, maximum: 10, exclusiveMinimum: -1 },
    };
    expect(checks({ $ref: '#/$defs/name', minLength: 1, maxLength: 3, enum: ['ab', 'x', 'abc'] }, $defs)).toEqual([
      { kind: 'minLength', length: 2 },
      { kind: 'maxLength', length: 3 },
      ...oneOf('ab', 'abc'),
    ]);
    expect(checks({ $ref: '#/$defs/count', minimum: -5, maximum: 20, exclusiveMinimum: 3 }, $defs)).toEqual([
      { kind: 'minimum', bound: 0 },
      { kind: 'exclusiveMinimum', bound: 3 },
      { kind: 'maximum', bound: 10 },
    ]);
  });
});
