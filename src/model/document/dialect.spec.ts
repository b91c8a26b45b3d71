import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { dialectFaults, withBareWords } from './dialect.js';

const property = (schema: JsonValue): JsonValue => ({ type: 'object', properties: { p: schema } });
const said = (document: JsonValue) => dialectFaults(document).map(({ pointer, message }) => `${pointer}: ${message}`);

describe('dialectFaults', () => {
  it.each<[JsonValue, string]>([
    [null, ': must be object'],
    [true, ': must be object'],
    [[], ': must be object'],
    [{}, ": must have required property 'type'"],
    [{ type: 'array' }, '/type: must be "object"'],
    [{ type: ['object'] }, '/type: must be "object"'],
    [{ type: 'object', frobnicate: 1 }, '/frobnicate: the keyword "frobnicate" is not known'],
    [{ type: 'object', 'x-frobnicate': 1 }, '/x-frobnicate: the keyword "x-frobnicate" is not known'],
    [{ type: 'object', 'a/b~c': 1 }, '/a~1b~0c: the keyword "a/b~c" is not known'],
    [
      { type: 'object', $id: 'http://169.254.169.254/' },
      '/$id: the keyword "$id" is not supported: a document is known by its entity name',
    ],
    [
      { type: 'object', $schema: 'http://json-schema.org/draft-07/schema#' },
      '/$schema: must be one of "https://json-schema.org/draft/2020-12/schema"',
    ],
    [{ type: 'object', $dynamicAnchor: 'x' }, '/$dynamicAnchor: the keyword "$dynamicAnchor" is not supported'],
    [{ type: 'object', $vocabulary: {} }, '/$vocabulary: the keyword "$vocabulary" is not supported'],
    [property({ $anchor: 'x' }), '/properties/p/$anchor: the keyword "$anchor" is not supported: refer to a schema by its place'],
    [property({ $dynamicRef: '#x' }), '/properties/p/$dynamicRef: the keyword "$dynamicRef" is not supported'],
    [property({ $schema: 'x' }), '/properties/p/$schema: the keyword "$schema" is not supported: it may stand at the root only'],
    [property({ nullable: true }), '/properties/p/nullable: the keyword "nullable" is not supported: add "null" to type'],
    [property({ errorMessage: 'process.exit()' }), '/properties/p/errorMessage: the keyword "errorMessage" is not known'],
    [property({ frobnicate: 1 }), '/properties/p/frobnicate: the keyword "frobnicate" is not known'],
    [property(3), '/properties/p: must be object,boolean'],
    [
      property({ type: 'strin' }),
      '/properties/p/type: must be array, boolean, integer, null, number, object or string, or a list of different ones',
    ],
    [property({ type: ['string', 'string'] }), '/properties/p/type: must be array, boolean, integer'],
    [property({ enum: [] }), '/properties/p/enum: must NOT have fewer than 1 items'],
    [property({ maxLength: -1 }), '/properties/p/maxLength: must be >= 0'],
    [property({ maxLength: '3' }), '/properties/p/maxLength: must be integer'],
    [property({ unique: 'yes' }), '/properties/p/unique: must be boolean'],
    [property({ index: { method: 'hash' } }), '/properties/p/index/method: must be one of "btree", "gin", "trgm", "brin"'],
    [property({ index: { methods: 'gin', method: 'gin' } }), '/properties/p/index/methods: "methods" is not known here'],
    [property({ relation: {} }), "/properties/p/relation: must have required property 'entity'"],
    [
      property({ relation: { entity: 'A', onDelete: 'noAction' } }),
      '/properties/p/relation/onDelete: must be one of "restrict", "setNull", "cascade"',
    ],
    [property({ generated: 'random' }), '/properties/p/generated: must be one of "uuid", "now", "actor", "sequence"'],
    [property({ precision: 1_001 }), '/properties/p/precision: must be <= 1000'],
    [
      property({ items: { unique: true } }),
      '/properties/p/items/unique: the word "unique" has a meaning on properties of the entity only',
    ],
    [
      property({ properties: { q: { 'x-relation': { entity: 'A' } } } }),
      '/properties/p/properties/q/x-relation: the word "x-relation" has a meaning on properties',
    ],
    [
      property({ uniqueKeys: [['a', 'b']] }),
      '/properties/p/uniqueKeys: the word "uniqueKeys" has a meaning at the root of the document only',
    ],
    [
      { type: 'object', $defs: { a: { index: true } } },
      '/$defs/a/index: the word "index" has a meaning on properties of the entity only',
    ],
    [{ type: 'object', unique: true }, '/unique: the word "unique" has a meaning on properties of the entity only'],
    [{ type: 'object', uniqueKeys: [['a']] }, '/uniqueKeys/0: must NOT have fewer than 2 items'],
    [{ type: 'object', uniqueKeys: [['a', 'a']] }, '/uniqueKeys/0: must NOT have duplicate items'],
    [{ type: 'object', indexes: [3] }, '/indexes/0: must be array,object'],
    [{ type: 'object', concurrency: 'always' }, '/concurrency: must be one of "optional", "required"'],
    [{ type: 'object', required: 'a' }, '/required: must be array'],
    [{ type: 'object', $ref: 3 }, '/$ref: must be string'],
  ])('%j', (document, message) => {
    const faults = said(document);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(message);
  });

  it('names every fault, and known words next to a fault are no faults', () => {
    const document = property({ type: 'x', unique: 1, title: 2, index: true, foo: 3, items: { bar: 4 } });
    expect(
      dialectFaults(document)
        .map(({ pointer }) => pointer)
        .sort(),
    ).toEqual([
      '/properties/p/foo',
      '/properties/p/items/bar',
      '/properties/p/title',
      '/properties/p/type',
      '/properties/p/unique',
    ]);
  });

  it('accepts every keyword of the standard, inside schemas too', () => {
    const everything: JsonObject = {
      ...{
        title: 't',
        description: 'd',
        $comment: 'c',
        default: {},
        deprecated: true,
        readOnly: true,
        writeOnly: false,
        examples: [1],
      },
      ...{ enum: [{}], const: {}, multipleOf: 0.5, maximum: 1, exclusiveMaximum: 1, minimum: 1, exclusiveMinimum: 1 },
      ...{
        maxLength: 1,
        minLength: 1,
        pattern: 'a',
        maxItems: 1,
        minItems: 1,
        uniqueItems: true,
        maxContains: 1,
        minContains: 1,
      },
      ...{ maxProperties: 1, minProperties: 1, required: ['a'], dependentRequired: { a: ['b'] } },
      ...{
        prefixItems: [true],
        items: {},
        contains: false,
        properties: { q: {} },
        additionalProperties: {},
        patternProperties: { a: {} },
      },
      ...{ dependentSchemas: { a: {} }, propertyNames: {}, if: {}, else: {}, allOf: [{}], anyOf: [{}], oneOf: [{}], not: {} },
      ...{ unevaluatedItems: false, unevaluatedProperties: {}, format: 'email', contentEncoding: 'base64' },
      ...{ contentMediaType: 'text/plain', contentSchema: {}, $ref: '#', $defs: { a: {} } },
    };
    const schema = {
      type: 'object',
      ...everything,
      $defs: { x: { ...everything, ...JSON.parse('{"then":{"type":["null","string"]}}') } },
    };
    expect(
      said({ ...schema, $schema: 'https://json-schema.org/draft/2020-12/schema', properties: { a: everything, b: true } }),
    ).toEqual([]);
    expect(said({ type: 'object', $schema: 'urn:bss:schema:entity' })).toEqual([]);
  });

  it('knows every word of the published dialect, bare and with x-', () => {
    const words: JsonObject = {
      ...{
        encrypted: { searchable: 'equality' },
        unique: true,
        index: { method: 'brin' },
        searchable: true,
        semantic: { weight: 2 },
      },
      ...{ relation: { entity: 'A', field: 'f', inverse: 'i', onDelete: 'cascade', many: true }, pii: 'email', redact: 'hash' },
      ...{
        access: { read: ['editor'], write: [] },
        immutable: true,
        generated: 'sequence',
        renamedFrom: 'o',
        precision: 3,
        scale: 1,
      },
    };
    const entity: JsonObject = {
      ...{ uniqueKeys: [['a', 'b']], indexes: [['a', '-b'], { fields: ['a'], where: {}, method: 'gin' }], softDelete: true },
      ...{ history: 'full', retention: { deletedDays: 1, historyDays: 2 }, concurrency: 'required', renamedFrom: 'Old' },
      ...{ rowRules: { editor: { read: {}, write: {} } }, semanticSearch: { model: 'm', dimensions: 3, metric: 'cosine' } },
    };
    const prefixed = (bare: JsonObject) => Object.fromEntries(Object.entries(bare).map(([word, value]) => [`x-${word}`, value]));
    expect(said({ type: 'object', ...entity, properties: { a: words } })).toEqual([]);
    expect(said({ type: 'object', ...prefixed(entity), properties: { a: prefixed(words) } })).toEqual([]);
  });
});

describe('withBareWords', () => {
  it('makes x- words bare at the root and on properties, in place, and leaves data alone', () => {
    const { document, faults } = withBareWords({
      type: 'object',
      'x-indexes': [['a']],
      properties: {
        a: { 'x-unique': true, type: 'string', default: { 'x-unique': 1 } },
        'x-index': { 'x-index': true },
        b: true,
      },
      const: { 'x-indexes': 1 },
    });
    expect(faults).toEqual([]);
    expect(JSON.stringify(document)).toBe(
      JSON.stringify({
        type: 'object',
        indexes: [['a']],
        properties: { a: { unique: true, type: 'string', default: { 'x-unique': 1 } }, 'x-index': { index: true }, b: true },
        const: { 'x-indexes': 1 },
      }),
    );
  });

  it('refuses both spellings with different values, and takes them with the same', () => {
    const both = (index: JsonValue) =>
      withBareWords({ type: 'object', properties: { a: { index: { method: 'gin' }, 'x-index': index } } });
    expect(both(true).faults).toEqual([expect.objectContaining({ pointer: '/properties/a/x-index', rule: 'synonym' })]);
    expect(both({ method: 'gin' })).toMatchObject({ faults: [], document: { properties: { a: { index: { method: 'gin' } } } } });
  });

  it('finds the way back to the spelling of the author', () => {
    const { asWritten } = withBareWords({
      type: 'object',
      'x-indexes': [['a']],
      properties: { a: { 'x-relation': {}, unique: true } },
    });
    const back = (pointer: string) => asWritten({ pointer, rule: 'r', message: 'm' }).pointer;
    expect(back('/indexes/0')).toBe('/x-indexes/0');
    expect(back('/properties/a/relation')).toBe('/properties/a/x-relation');
    expect(back('/properties/a/relation/entity')).toBe('/properties/a/x-relation/entity');
    expect(back('/properties/a/unique')).toBe('/properties/a/unique');
  });
});
