import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { type Fault, Problem } from '../../platform/problem.js';
import { KEEPS_NOTHING } from '../entity.js';
import { readEntity } from './read-entity.js';

const entity = (document: JsonObject, name = 'Thing') => readEntity(name, { type: 'object', ...document });

function refused(document: JsonValue, name = 'Thing'): Problem {
  const started = performance.now();
  try {
    readEntity(name, document);
  } catch (error) {
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(error).toBeInstanceOf(Problem);
    expect((error as Problem).code).toBe('entity/invalid-document');
    return error as Problem;
  }
  throw new Error('the document was accepted');
}
const faultsOf = (document: JsonValue, name?: string) => refused(document, name).extensions.errors as readonly Fault[];
const pointersOf = (document: JsonObject) =>
  faultsOf({ type: 'object', ...document }).map(({ pointer, rule }) => `${pointer} ${rule}`);

describe('readEntity refuses', () => {
  it.each<[string, JsonObject, string]>([
    ['a required name nobody may send', { required: ['a'], additionalProperties: false }, '/required/0 required'],
    ['the same with unevaluatedProperties', { required: ['a'], unevaluatedProperties: false }, '/required/0 required'],
    ['the tenant as a required member', { required: ['tenant_id'] }, '/required/0 name'],
    ['the tenant as a property', { properties: { tenant_id: { type: 'string' } } }, '/properties/tenant_id name'],
    ['an id that is no uuid', { properties: { id: { type: 'integer' } } }, '/properties/id system-member'],
    ['a constructor', { properties: { constructor: { type: 'string' } } }, '/properties/constructor name'],
    ['SQL in a name', { properties: { 'a"; drop table x; --': {} } }, '/properties/a"; drop table x; -- name'],
    [
      'a rename from a property that still exists',
      { properties: { a: { renamedFrom: 'b' }, b: {} } },
      '/properties/a/renamedFrom renamedFrom',
    ],
    [
      'two renames from one property',
      { properties: { a: { renamedFrom: 'c' }, b: { renamedFrom: 'c' } } },
      '/properties/b/renamedFrom renamedFrom',
    ],
    [
      'an alias that ends tomorrow',
      { properties: { a: { renamedFrom: 'b', aliasUntil: 'tomorrow' } } },
      '/properties/a/aliasUntil aliasUntil',
    ],
    ['an alias of nothing', { properties: { a: { aliasUntil: '2027-01-31T00:00:00Z' } } }, '/properties/a/aliasUntil aliasUntil'],
    ['a rename of the entity from itself', { renamedFrom: 'Thing' }, '/renamedFrom renamedFrom'],
    ['a rename of the entity from no name', { renamedFrom: '../x' }, '/renamedFrom name'],
    [
      'an inverse taken by a property',
      { properties: { a: { type: 'string', relation: { entity: 'Thing', inverse: 'a' } } } },
      '/properties/a/relation/inverse relation',
    ],
    [
      'a pattern that cannot be run',
      { properties: { a: { type: 'string', pattern: '(?=a)' } } },
      '/properties/a/pattern pattern',
    ],
    ['a remote reference', { properties: { a: { $ref: 'http://169.254.169.254/' } } }, '/properties/a/$ref $ref'],
    [
      'what it does not implement, as written',
      { properties: { a: { type: 'string', 'x-semantic': true } } },
      '/properties/a/x-semantic not-supported',
    ],
    [
      'both spellings with different values',
      { properties: { a: { unique: true, 'x-unique': false } } },
      '/properties/a/x-unique synonym',
    ],
    ['an unknown keyword', { properties: { a: { typ: 'string' } } }, '/properties/a/typ unknown-keyword'],
    ['an index on nothing', { indexes: [['a']] }, '/indexes/0/0 indexes'],
    ['NUL', { title: '\u0000' }, '/title text'],
  ])('%s', (_, document, fault) => expect(pointersOf(document)).toEqual([fault]));

  it('two relations that give their target the same member', () => {
    const relation = { entity: 'Other', inverse: 'things' };
    expect(pointersOf({ properties: { a: { type: 'string', relation }, b: { type: 'string', relation } } })).toEqual([
      '/properties/b/relation/inverse relation',
    ]);
  });

  it.each(['', '_x', 'a b', '__proto__', 'a'.repeat(129), 'a"b', 'openapi.json', '../Album', 'é'])(
    'the entity name %j',
    (name) => {
      expect(faultsOf({ type: 'object' }, name)).toEqual([expect.objectContaining({ pointer: '', rule: 'name' })]);
    },
  );

  it('all faults of a stage at once, with a detail that names the first', () => {
    const problem = refused({
      type: 'object',
      additionalProperties: false,
      properties: { constructor: {}, a: { type: 'integer', default: 'x', semantic: true }, tenant_id: {} },
      required: ['b'],
      uniqueKeys: [['a', 'c']],
    });
    expect((problem.extensions.errors ?? []).map(({ pointer }) => pointer)).toEqual([
      ...[
        '/properties/a/semantic',
        '/properties/constructor',
        '/properties/a/default',
        '/properties/tenant_id',
        '/required/0',
        '/uniqueKeys/0/1',
      ],
    ]);
    expect(problem.detail).toContain(
      'The document of the entity "Thing" has 6 faults; see errors. First, at "/properties/a/semantic": ',
    );
    expect(problem.status).toBe(422);
  });

  it('hostile documents, each within a second', () => {
    const deep = JSON.parse(`${'{"not":'.repeat(5_000)}{}${'}'.repeat(5_000)}`);
    const doubling = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [
        `d${i}`,
        { anyOf: [{ $ref: `#/$defs/d${(i + 1) % 61}` }, { $ref: `#/$defs/d${i + 1}` }] },
      ]),
    );
    const hostile: JsonValue[] = [
      deep,
      { type: 'object', properties: { a: { enum: Array.from({ length: 100_000 }, (_, i) => i) } } },
      { type: 'object', properties: { a: { $ref: '#/$defs/d0' } }, $defs: { ...doubling, d60: {} } },
      { type: 'object', properties: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`p${i}`, {}])) },
      { type: 'object', properties: { a: { type: 'string', pattern: '(a{1,1000}){1,1000}' } } },
      { type: 'object', properties: { a: { maximum: Number.POSITIVE_INFINITY } } },
      { type: 'object', properties: JSON.parse('{"__proto__":{"type":"string"}}') },
      { type: 'object', properties: { ['x'.repeat(200)]: {} } },
      { type: 'object', properties: { 'e\u0301': {}, 'a\u202eb': {}, '😀': {}, '': {} } },
    ];
    for (const document of hostile) expect(faultsOf(document).length).toBeGreaterThan(0);
    expect(({} as Record<string, unknown>).type).toBeUndefined();
  });

  it('whatever else is not a document, and never fails otherwise', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.string(), (document, name) => {
        try {
          readEntity(name, document as JsonValue);
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
        }
      }),
    );
  });

  it('random combinations of keywords, or accepts them, and never fails otherwise', () => {
    const { schema } = fc.letrec((tie) => ({
      schema: fc.oneof(
        { depthSize: 'small' },
        fc.boolean(),
        fc.record(
          {
            type: fc.constantFrom('string', 'integer', 'object', ['string', 'null'], 'nonsense'),
            format: fc.constantFrom('uuid', 'date', 'decimal', 'odd'),
            enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 3 }),
            pattern: fc.string({ maxLength: 8 }),
            $ref: fc.constantFrom('#', '#/$defs/a', '#/$defs/b', '#/$defs/%', 'x'),
            properties: fc.dictionary(fc.constantFrom('a', 'b', 'id', '__proto__', 'toString', 'é'), tie('schema'), {
              maxKeys: 3,
            }),
            anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
            items: tie('schema'),
            default: fc.jsonValue({ maxDepth: 1 }),
            index: fc.constantFrom<JsonValue[]>(true, { method: 'gin' }),
            unique: fc.boolean(),
            'x-unique': fc.boolean(),
            relation: fc.record({ entity: fc.constantFrom('A', 'a b') }),
            generated: fc.constantFrom('uuid', 'now'),
          },
          { requiredKeys: [] },
        ),
      ),
    }));
    const map = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'id', 'revision'), schema, { maxKeys: 4 });
    const accepted = { count: 0 };
    fc.assert(
      fc.property(map, map, fc.subarray(['a', 'b', 'id']), (properties, $defs, required) => {
        try {
          readEntity('Thing', { type: 'object', properties, $defs, required } as JsonValue);
          accepted.count += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
        }
      }),
      { numRuns: 500 },
    );
    expect(accepted.count).toBeGreaterThan(0);
  });
});

describe('readEntity reads', () => {
  it('an entity with nothing but a type', () => {
    expect(readEntity('Thing', { type: 'object' })).toEqual({
      ...{
        name: 'Thing',
        table: 'Thing',
        properties: [],
        keepsExtras: true,
        uniqueKeys: [],
        indexes: [],
        concurrency: 'optional',
        keeps: KEEPS_NOTHING,
      },
      document: { type: 'object' },
    });
  });

  it('a whole document', () => {
    const read = entity({
      title: "it's; drop table",
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      additionalProperties: false,
      required: ['id', 'Sku', 'site'],
      properties: {
        id: { type: 'string', format: 'uuid' },
        Sku: { type: 'string', 'x-unique': true, maxLength: 20 },
        site: { $ref: '#/$defs/site' },
        parent: { type: 'string', format: 'uuid', relation: { entity: 'Thing', inverse: 'children' } },
        order: { type: ['integer', 'null'], index: true },
        oid: { type: 'boolean' },
        _private: true,
      },
      $defs: { site: { type: 'string', enum: ['north', 'south'] } },
      'x-uniqueKeys': [['Sku', 'site']],
      indexes: [['site', '-created_at']],
      concurrency: 'required',
    });
    expect(read.properties.map(({ name, column, type, required, nullable }) => [name, column, type, required, nullable])).toEqual(
      [
        ['Sku', 'Sku', 'text', true, false],
        ['site', 'site', 'text', true, false],
        ['parent', 'parent', 'uuid', false, false],
        ['order', 'order', 'bigint', false, true],
        ['oid', expect.stringMatching(/^oid~/), 'boolean', false, false],
        ['_private', expect.stringMatching(/^_private~/), 'jsonb', false, true],
      ],
    );
    expect(read).toMatchObject({ name: 'Thing', table: 'Thing', keepsExtras: false, concurrency: 'required' });
    expect(read.uniqueKeys.map(({ properties }) => properties)).toEqual([['Sku'], ['Sku', 'site']]);
    expect(read.indexes.map(({ name }) => name)).toEqual(['Thing.order.idx', 'Thing.site.-created_at.idx']);
    expect(read.document).toMatchObject({ required: ['Sku', 'site'], uniqueKeys: [['Sku', 'site']] });
    expect(read.document['x-uniqueKeys']).toBeUndefined();
  });

  it.each<[JsonObject, boolean]>([
    [{}, true],
    [{ additionalProperties: true }, true],
    [{ additionalProperties: { type: 'string' } }, true],
    [{ additionalProperties: false }, false],
    [{ additionalProperties: false, allOf: [{ properties: { a: {} } }] }, false],
    [{ additionalProperties: false, patternProperties: { '^x': {} } }, true],
    [{ unevaluatedProperties: false }, false],
    [{ unevaluatedProperties: {} }, true],
    [{ unevaluatedProperties: false, allOf: [{ properties: { a: {} } }] }, true],
    [{ unevaluatedProperties: false, $ref: '#/$defs/a', $defs: { a: {} } }, true],
    [{ unevaluatedProperties: false, patternProperties: { '^x': {} } }, true],
    [{ unevaluatedProperties: false, additionalProperties: true }, true],
  ])('of %j whether undeclared members are kept: %s', (document, kept) => expect(entity(document).keepsExtras).toBe(kept));

  it('a required name that is not declared where undeclared members are kept', () => {
    expect(entity({ required: ['a'] }).document.required).toEqual(['a']);
  });

  it('names that differ after the 63rd byte, in case or by a homoglyph as different columns', () => {
    const long = 'y'.repeat(64);
    const names = [`${long}left`, `${long}right`, 'name', 'Name', 'a', 'а', 'select', 'user'];
    const columns = entity({ properties: Object.fromEntries(names.map((name) => [name, {}])) }).properties.map(
      ({ column }) => column,
    );
    expect(new Set(columns).size).toBe(names.length);
    for (const column of columns) expect(Buffer.byteLength(column)).toBeLessThanOrEqual(45);
  });

  it('five hundred properties without holding up the event loop for long', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`p${i}`, { type: 'string', maxLength: 10, pattern: '^a$' }]),
    );
    const started = performance.now();
    expect(entity({ properties }).properties).toHaveLength(500);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('the same document the same way twice', () => {
    const document = { properties: { a: { type: 'string', 'x-index': true } } };
    const first = entity(document);
    expect(entity(document)).toEqual(first);
    expect(readEntity('Thing', first.document)).toEqual(first);
  });
});
