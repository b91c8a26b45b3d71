import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { readEntity } from './read-entity.js';
import { readProperty } from './read-property.js';
import { readReferences } from './references.js';

const references = readReferences({
  $defs: {
    age: { type: 'integer', minimum: 0, maximum: 150 },
    kind: { enum: ['a', 'b'] },
    old: { type: 'string', default: 'x' },
    letters: { type: 'string', maxLength: 2 },
  },
});
const read = (schema: JsonValue) => readProperty('p', schema, false, references);
const said = (schema: JsonValue) => read(schema).faults.map(({ pointer, rule, message }) => `${pointer} [${rule}] ${message}`);

const EQUALITY = { searchable: 'equality' };
const searchable = (words: JsonObject): JsonObject => ({ ...words, encrypted: EQUALITY });

describe('an encrypted property refuses', () => {
  it.each<[JsonObject, string]>([
    [
      { type: 'string', default: 'x' },
      '/properties/p/default [encrypted] an encrypted property cannot have it: it would stand in',
    ],
    [{ type: ['string', 'null'], default: null }, '/properties/p/default [encrypted]'],
    [{ type: 'boolean', default: false }, '/properties/p/default [encrypted]'],
    [{ $ref: '#/$defs/old' }, '/properties/p/default [encrypted]'],
    [
      { type: 'string', generated: 'uuid' },
      '/properties/p/generated [encrypted] an encrypted property cannot have it: what the store',
    ],
    [
      { type: 'string', relation: { entity: 'A' } },
      '/properties/p/relation [encrypted] an encrypted property cannot have it: the',
    ],
    [
      { type: 'string', searchable: true },
      '/properties/p/searchable [encrypted] an encrypted property cannot have it: full-text',
    ],
    [{ type: 'string', semantic: true }, '/properties/p/semantic [encrypted] an encrypted property cannot have it: an embedding'],
    [{ type: 'string', semantic: { weight: 2 } }, '/properties/p/semantic [encrypted]'],
  ])('%j', (words, message) => {
    for (const encrypted of [true, EQUALITY]) {
      if (words.type === 'boolean' && encrypted !== true) continue;
      const faults = said({ ...words, encrypted });
      expect(faults).toHaveLength(1);
      expect(faults[0]).toContain(message);
    }
  });

  it.each<[string, JsonObject]>([
    ['the truth', { type: 'boolean' }],
    ['a constant', { type: 'string', const: 'x' }],
    ['a list of choices', { type: ['string', 'null'], enum: ['mr', 'ms', null] }],
    ['a long list of choices', { type: 'string', enum: Array.from({ length: 1_000 }, (_, i) => `code ${i}`) }],
    ['choices it refers to', { type: 'string', $ref: '#/$defs/kind' }],
    ['days it lists', { type: 'string', format: 'date', enum: ['2026-01-01', '2026-01-02'] }],
    ['an age', { type: 'integer', minimum: 0, maximum: 150 }],
    ['an age it refers to', { $ref: '#/$defs/age' }],
    ['what is left between bounds', { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10_001 }],
    ['multiples', { type: 'integer', minimum: 0, maximum: 1_000_000, multipleOf: 1_000 }],
    ['halves', { type: 'number', minimum: 0, maximum: 5, multipleOf: 0.5 }],
    ['a code of two letters', { type: 'string', maxLength: 2 }],
    ['a code it refers to', { $ref: '#/$defs/letters' }],
    ['no text at all', { type: 'string', maxLength: 0 }],
    ['a decimal of three digits', { type: 'string', format: 'decimal', precision: 3, scale: 1 }],
  ])('to be searched where few values are possible: %s', (_, words) => {
    expect(said(searchable(words))).toEqual([
      expect.stringMatching(
        /^\/properties\/p\/encrypted\/searchable \[encrypted\] there (is one value only|are at most [\d,]+ val)/,
      ),
    ]);
    expect(said({ ...words, encrypted: true })).toEqual([]);
  });

  it('says how many there are, how many it takes, and the way out', () => {
    expect(said(searchable({ type: 'integer', minimum: 0, maximum: 150 }))).toEqual([
      '/properties/p/encrypted/searchable [encrypted] there are at most 151 values, which their frequencies would tell apart ' +
        '(more than 10,000 are needed); "encrypted": true keeps it unsearchable',
    ]);
    expect(said(searchable({ type: ['string', 'null'], enum: ['mr', null] }))[0]).toContain('there is one value only, which');
  });

  it.each<[JsonObject, string]>([
    [{ type: 'object' }, 'has no single scalar type'],
    [{ type: ['string', 'integer'] }, 'has no single scalar type'],
    [{}, 'has no single scalar type'],
    [{ type: 'string', format: 'daterange' }, 'a range is asked what it overlaps and contains'],
    [{ type: 'string', format: 'int8range' }, 'a range is asked what it overlaps and contains'],
  ])('to be searched where equal is not what is asked: %j', (words, message) => {
    expect(said(searchable(words))).toEqual([
      expect.stringContaining(`/properties/p/encrypted/searchable [encrypted] ${message}`),
    ]);
    expect(said({ ...words, encrypted: true })).toEqual([]);
  });

  it('what of its own type would be refused, too', () => {
    expect(said({ type: 'integer', precision: 3, encrypted: true })).toEqual([
      expect.stringContaining('/properties/p/precision [precision]'),
    ]);
  });
});

describe('an encrypted property is read', () => {
  it('as cells of values of its type, of which SQL says nothing', () => {
    const schema = { type: 'string', minLength: 3, maxLength: 40, enum: ['abc', 'abd'], encrypted: true };
    expect(read(schema).property).toMatchObject({ type: 'bytea', encrypted: { of: 'text', searchable: false }, checks: [] });
    expect(read(searchable({ type: 'integer', minimum: 1 })).property).toMatchObject({
      ...{ type: 'bytea', encrypted: { of: 'bigint', searchable: true }, checks: [] },
    });
    expect(read({ type: 'string', format: 'decimal', precision: 9, scale: 2, encrypted: true }).property).toMatchObject({
      ...{ type: 'bytea', encrypted: { of: 'numeric' }, precision: 9, scale: 2 },
    });
    expect(read({ encrypted: true }).property).toMatchObject({ type: 'bytea', encrypted: { of: 'jsonb' }, nullable: true });
  });

  it('as encrypted and no more where nothing is said of searching', () => {
    expect(read({ type: 'string', encrypted: {} }).property.encrypted).toEqual({ of: 'text', searchable: false });
  });

  it('as any other where it is switched off', () => {
    const { property, faults } = read({ type: 'string', maxLength: 3, default: 'x', encrypted: false });
    expect([property.type, property.checks, faults]).toEqual(['text', [{ kind: 'maxLength', length: 3 }], []]);
    expect(property).not.toHaveProperty('encrypted');
  });

  it.each<[JsonObject]>([
    [{ type: 'string' }],
    [{ type: 'string', format: 'uuid' }],
    [{ type: 'string', format: 'date' }],
    [{ type: 'string', format: 'date-time' }],
    [{ type: 'string', format: 'byte' }],
    [{ type: 'string', format: 'ipv4' }],
    [{ type: 'string', format: 'decimal', precision: 4, scale: 2 }],
    [{ type: 'string', format: 'decimal' }],
    [{ type: 'string', maxLength: 3 }],
    [{ type: 'integer' }],
    [{ type: 'integer', minimum: 0 }],
    [{ type: 'integer', minimum: 1, maximum: 10_001 }],
    [{ type: 'number', minimum: 0, maximum: 1 }],
  ])('as searchable where many values are possible: %j', (words) => expect(said(searchable(words))).toEqual([]));

  it('together with words about who may see and set it', () => {
    const words = {
      ...{ writeOnly: true, readOnly: true, immutable: true, pii: 'name', redact: 'hash', access: { read: ['admin'] } },
      ...{
        renamedFrom: 'q',
        aliasUntil: '2027-01-31T00:00:00Z',
        index: false,
        unique: false,
        searchable: false,
        semantic: false,
      },
    };
    expect(said(searchable({ type: 'string', ...words }))).toEqual([]);
  });

  it('under its synonym, where faults are as it is written', () => {
    const document = (schema: JsonObject): JsonObject => ({ type: 'object', properties: { p: schema } });
    const [p] = readEntity('Thing', document({ type: 'string', 'x-encrypted': EQUALITY })).properties;
    expect(p).toMatchObject({ type: 'bytea', encrypted: { of: 'text', searchable: true } });
    expect(() => readEntity('Thing', document({ type: 'boolean', 'x-encrypted': EQUALITY }))).toThrow(
      expect.objectContaining({
        extensions: { errors: [expect.objectContaining({ pointer: '/properties/p/x-encrypted/searchable' })] },
      }),
    );
  });
});
