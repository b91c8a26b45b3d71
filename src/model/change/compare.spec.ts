import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { type ColumnType, type Entity, type Index, KEEPS_NOTHING, type Property, type UniqueKey } from '../entity.js';
import { compareEntities } from './compare.js';

/** As much reading of a document as a comparison needs; takes the broken documents of the mutations too. */
function entity(document: JsonObject): Entity {
  const declared = isJsonObject(document.properties) ? document.properties : {};
  const required = Array.isArray(document.required) ? document.required : [];
  const entries = Object.entries(declared).map(([name, schema]) => [name, isJsonObject(schema) ? schema : {}] as const);
  const properties = entries.map(([name, schema]): Property => {
    const types = [schema.type ?? []].flat();
    const known: Record<string, ColumnType> = {
      integer: 'bigint',
      number: 'double precision',
      boolean: 'boolean',
      string: 'text',
    };
    const [only, ...others] = types.filter((type) => type !== 'null').map(String);
    const text = schema.format === 'uuid' ? 'uuid' : 'text';
    const type = only === undefined || others.length > 0 ? 'jsonb' : only === 'string' ? text : (known[only] ?? 'jsonb');
    const flags = { checks: [], immutable: false, readOnly: false, writeOnly: false };
    const renamedFrom = typeof schema.renamedFrom === 'string' ? schema.renamedFrom : undefined;
    return {
      name,
      column: name,
      type,
      required: required.includes(name),
      nullable: types.includes('null'),
      renamedFrom,
      ...flags,
    };
  });
  const uniqueKeys: UniqueKey[] = entries
    .filter(([, s]) => s.unique === true)
    .map(([name]) => ({ name: `${name}_key`, properties: [name] }));
  for (const key of [document.uniqueKeys ?? []].flat() as JsonValue[][]) {
    if (Array.isArray(key)) uniqueKeys.push({ name: `${key.join('_')}_key`, properties: key.map(String) });
  }
  const indexes: Index[] = entries
    .filter(([, schema]) => schema.index)
    .map(([name]) => ({ name: `${name}_idx`, method: 'btree', fields: [{ property: name, descending: false }] }));
  const keepsExtras = document.additionalProperties !== false;
  const concurrency = document.concurrency === 'required' ? 'required' : 'optional';
  return {
    name: 'customer',
    table: 'customer',
    properties,
    keepsExtras,
    uniqueKeys,
    indexes,
    concurrency,
    keeps: KEEPS_NOTHING,
    document,
  };
}

const base: JsonObject = {
  type: 'object',
  title: 'Customer',
  additionalProperties: false,
  required: ['email', 'name'],
  properties: {
    email: { type: 'string', maxLength: 60, unique: true },
    name: { type: ['string', 'null'], title: 'Name', pattern: '^\\S' },
    title: { type: 'string', enum: ['mr', 'ms'], default: 'ms', index: true },
    age: { type: 'integer', minimum: 0, unique: false },
    supplier: { type: 'string', format: 'uuid', relation: { entity: 'supplier', field: 'id' } },
    address: { type: 'object', properties: { street: { type: 'string', description: 'Where' }, title: { type: 'string' } } },
    tags: { type: 'array', items: { $ref: '#/$defs/tag' } },
  },
  $defs: { tag: { type: 'string', examples: ['red'] } },
  uniqueKeys: [['name', 'age']],
  indexes: [['name', '-created_at'], { fields: ['age'], method: 'brin' }],
  concurrency: 'required',
};

/** JSON Pointer (no escapes) → new value; undefined removes. */
type Edits = Readonly<Record<string, JsonValue | undefined>>;

function edited(edits: Edits, from: JsonObject = base): JsonObject {
  return Object.entries(edits).reduce((document, [path, value]) => editedAt(document, path.slice(1).split('/'), value), from);
}

function editedAt(from: JsonObject, path: readonly string[], value: JsonValue | undefined): JsonObject {
  const copy = structuredClone(from);
  const last = path.at(-1) as string;
  const holder = path.slice(0, -1).reduce<unknown>((at, token) => (at as JsonObject)[token], copy) as Record<string, unknown>;
  if (value !== undefined) Object.defineProperty(holder, last, { value, enumerable: true, configurable: true, writable: true });
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete holder[last];
  return copy;
}

/** One line per change: `+` additive, `?` additive after a check, `-` not; kind; pointer. */
function told(before: JsonObject, after: JsonObject): string {
  return compareEntities(entity(before), entity(after))
    .map(({ kind, pointer, additive, needsCheck }) => `${additive ? '+' : needsCheck ? '?' : '-'} ${kind} ${pointer}`)
    .join(', ');
}

type Case = readonly [what: string, edits: Edits, told: string];

describe('compareEntities › refuses to call additive', () => {
  it.each<Case>([
    ['a removed property', { '/properties/tags': undefined }, '- property-removed /properties/tags'],
    ['a new required one', { '/properties/vat': {}, '/required/2': 'vat' }, '- property-added /properties/vat'],
    ['a renamedFrom that explains nothing', { '/properties/vat': { renamedFrom: 'tax' } }, '- property-added /properties/vat'],
    ['a renamedFrom of what is still there', { '/properties/vat': { renamedFrom: 'age' } }, '- property-added /properties/vat'],
    ['another type', { '/properties/age/type': 'number' }, '- type-changed /properties/age/type'],
    ['another format and column', { '/properties/supplier/format': undefined }, '- type-changed /properties/supplier/format'],
    ['another format, same column', { '/properties/email/format': 'email' }, '- validation-changed /properties/email/format'],
    ['null on', { '/properties/age/type': ['integer', 'null'] }, '- nullable-on /properties/age/type'],
    ['null off', { '/properties/name/type': 'string' }, '- nullable-off /properties/name/type'],
    ['required on', { '/required/2': 'age' }, '- required-on /required'],
    ['required off', { '/required/0': undefined }, '- required-off /required'],
    ['all required off', { '/required': undefined }, '- required-off /required, - required-off /required'],
    ['an undeclared required member', { '/required/2': 'x' }, '- validation-changed /required'],
    ['a default', { '/properties/age/default': 3 }, '- default-changed /properties/age/default'],
    ['a default of null', { '/properties/age/default': null }, '- default-changed /properties/age/default'],
    ['a looser check', { '/properties/email/maxLength': undefined }, '- checks-changed /properties/email/maxLength'],
    ['an enum value more', { '/properties/title/enum/2': 'mx' }, '- checks-changed /properties/title/enum/2'],
    ['no pattern', { '/properties/name/pattern': undefined }, '- validation-changed /properties/name/pattern'],
    ['unique on', { '/properties/age/unique': true }, '- unique-added /properties/age/unique'],
    ['unique off', { '/properties/email/unique': undefined }, '- unique-removed /properties/email/unique'],
    ['a unique key of old properties', { '/uniqueKeys/1': ['age', 'title'] }, '- unique-added /uniqueKeys/1'],
    ['no unique keys', { '/uniqueKeys': undefined }, '- unique-removed /uniqueKeys/0'],
    [
      'a reversed unique key',
      { '/uniqueKeys/0': ['age', 'name'] },
      '- unique-added /uniqueKeys/0, - unique-removed /uniqueKeys/0',
    ],
    ['an index less', { '/properties/title/index': undefined }, '- index-removed /properties/title/index'],
    ['another index', { '/properties/title/index': { method: 'trgm' } }, '- index-changed /properties/title/index'],
    ['an entry of indexes less', { '/indexes/0': undefined }, '- index-removed /indexes/0'],
    ['a partial index', { '/indexes/2': { fields: ['age'], where: 'x' } }, '- index-added /indexes/2'],
    ['a relation on', { '/properties/age/relation': { entity: 'x' } }, '- relation-added /properties/age/relation'],
    ['a relation off', { '/properties/supplier/relation': undefined }, '- relation-removed /properties/supplier/relation'],
    ['another relation', { '/properties/supplier/relation/field': 'no' }, '- relation-changed /properties/supplier/relation'],
    ['extras on', { '/additionalProperties': undefined }, '- extras-changed /additionalProperties'],
    ['concurrency', { '/concurrency': 'optional' }, '- concurrency-changed /concurrency'],
    ['a rename of the entity', { '/renamedFrom': 'client' }, '- entity-renamed /renamedFrom'],
    ['a nested rule', { '/properties/address/properties': {} }, '- validation-changed /properties/address/properties/street'],
    [
      'a nested property that is called title',
      { '/properties/address/properties/title': undefined },
      '- validation-changed /properties/address/properties/title',
    ],
    ['a rule in $defs', { '/$defs/tag/maxLength': 3 }, '- validation-changed /$defs/tag/maxLength'],
    ['a rule at the root', { '/minProperties': 1 }, '- validation-changed /minProperties'],
    ['a word of the entity', { '/softDelete': true }, '+ keeping-changed /softDelete'],
    ['a word of a property', { '/properties/age/immutable': true }, '- schema-changed /properties/age/immutable'],
    ['a word nobody knows', { '/__proto__': {} }, '- schema-changed /__proto__'],
    ['a schema that is only true', { '/properties/age': true }, '- schema-changed /properties/age'],
    ['no properties', { '/properties': 7 }, '- validation-changed /properties'],
  ])('%s', (_what, edits, expected) => expect(told(base, edited(edits))).toBe(expected));

  it('a rename, and tells what else changes with it', () => {
    const rename = {
      '/properties/mail': { type: 'string', maxLength: 60, renamedFrom: 'email' },
      '/properties/email': undefined,
    };
    const kept = '- property-renamed /properties/mail/renamedFrom, - unique-removed /properties/mail/unique';
    expect(told(base, edited({ ...rename, '/required': ['mail', 'name'] }))).toBe(kept);
    expect(told(base, edited({ ...rename, '/required': ['name'] }))).toBe(`${kept}, - required-off /required`);
  });

  it.each(['#', '#/', '#self', 'urn:x', '#/properties', '#/allOf/0', '#/%', 7])(
    'a new property when $ref %j may make the properties describe nested values too',
    (ref) => {
      const before = edited({ '/properties/tags/items/$ref': ref });
      expect(told(before, edited({ '/properties/vat': {} }, before))).toBe('- property-added /properties/vat');
    },
  );

  it.each(['#/properties/age/examples/0', '#/properties/age/%65xamples/0', '#/properties/age/deprecated', 'other'])(
    'an annotation that $ref %j may use as a schema',
    (ref) => {
      const before = edited({ '/properties/tags/items/$ref': ref });
      const after = edited({ '/properties/age/examples': [{ type: 'string' }] }, before);
      expect(told(before, after)).toBe('- annotation-changed /properties/age/examples');
    },
  );

  it('physical names that differ under the same document', () => {
    const before = entity(base);
    const pointers = (rest: Partial<Entity>) =>
      compareEntities(before, { ...before, ...rest }).map(({ pointer, additive }) => `${pointer} ${additive}`);
    const [property, ...properties] = before.properties as [Property, ...Property[]];
    const [index, ...indexes] = before.indexes as [Index, ...Index[]];
    expect(pointers({ table: 'other' })).toEqual([' false']);
    expect(pointers({ name: 'other' })[0]).toBe('/renamedFrom false');
    expect(pointers({ properties: [{ ...property, column: 'other' }, ...properties] })).toEqual(['/properties/email false']);
    expect(pointers({ properties })).toEqual(['/properties/email false']);
    expect(pointers({ properties: [...before.properties, { ...property, name: 'more' }] })).toEqual(['/properties/more false']);
    expect(pointers({ indexes })).toEqual(['/indexes false']);
    expect(pointers({ indexes: [...before.indexes, { ...index, name: 'other' }] })).toEqual(['/indexes false']);
    expect(pointers({ uniqueKeys: before.uniqueKeys.slice(1) })).toEqual(['/uniqueKeys false']);
    expect(pointers({ uniqueKeys: [...before.uniqueKeys, { name: 'k', properties: ['age'] }] })).toEqual(['/uniqueKeys false']);
  });
});

describe('compareEntities › leaves to the database', () => {
  it.each<Case>([
    ['undeclared members are kept', { '/additionalProperties': undefined }, '?'],
    ['undeclared members have a schema', { '/additionalProperties': { type: 'string' } }, '?'],
    ['patterns admit members of that name', { '/patternProperties': { '^v': {} } }, '?'],
    ['they are forbidden in another way', { '/additionalProperties': undefined, '/unevaluatedProperties': false }, '?'],
  ])('whether records hold a member of a new name, when %s', (_what, edits, sign) => {
    const before = edited(edits);
    const changes = compareEntities(entity(before), entity(edited({ '/properties/vat': {} }, before)));
    expect(changes).toMatchObject([{ kind: 'property-added', additive: false, needsCheck: 'extras', property: 'vat' }]);
    expect(told(before, edited({ '/properties/vat': {} }, before))).toBe(`${sign} property-added /properties/vat`);
  });

  it('nothing about a property that is refused anyway', () => {
    const before = edited({ '/additionalProperties': true });
    const after = edited({ '/properties/vat': {}, '/required/2': 'vat' }, before);
    expect(told(before, after)).toBe('- property-added /properties/vat');
  });
});

describe('compareEntities › applies at once', () => {
  it.each<Case>([
    ['who may read', { '/properties/age/access': { read: ['hr'] } }, '+ field-rules-changed /properties/age/access'],
    ['what is personal', { '/properties/age/pii': true }, '+ field-rules-changed /properties/age/pii'],
    ['what auditors see', { '/properties/age/redact': 'hash' }, '+ field-rules-changed /properties/age/redact'],
    ['a new optional property', { '/properties/vat': { type: 'string' } }, '+ property-added /properties/vat'],
    [
      'a new optional property with everything',
      {
        '/properties/vat': { type: 'string', default: 'x', unique: true, index: true, maxLength: 9, relation: { entity: 'vat' } },
        '/uniqueKeys/1': ['vat', 'age'],
        '/indexes/2': ['-vat'],
      },
      '+ property-added /properties/vat, + unique-added /uniqueKeys/1, + index-added /indexes/2',
    ],
    ['a property called constructor', { '/properties/constructor': {} }, '+ property-added /properties/constructor'],
    ['a property called __proto__', { '/properties/__proto__': {} }, '+ property-added /properties/__proto__'],
    ['an index', { '/properties/age/index': { method: 'brin' } }, '+ index-added /properties/age/index'],
    ['an entry of indexes', { '/indexes/2': { fields: ['title'] } }, '+ index-added /indexes/2'],
    ['a title', { '/title': 'Client' }, '+ annotation-changed /title'],
    ['a $comment', { '/properties/age/$comment': 'x' }, '+ annotation-changed /properties/age/$comment'],
    ['deprecation', { '/properties/age/deprecated': true }, '+ annotation-changed /properties/age/deprecated'],
    [
      'a nested description',
      { '/properties/address/properties/street/description': undefined },
      '+ annotation-changed /properties/address/properties/street/description',
    ],
    ['examples in $defs', { '/$defs/tag/examples/1': 'blue' }, '+ annotation-changed /$defs/tag/examples'],
    ['another order of required', { '/required': ['name', 'email'] }, '+ restated /required'],
    ['another order of types', { '/properties/name/type': ['null', 'string'] }, '+ restated /properties/name/type'],
    [
      'another order of indexes',
      { '/indexes': [{ method: 'brin', fields: ['age'] }, ['name', '-created_at']] },
      '+ restated /indexes',
    ],
    ['a default of the dialect left out', { '/properties/age/unique': undefined }, '+ restated /properties/age/unique'],
  ])('%s', (_what, edits, expected) => expect(told(base, edited(edits))).toBe(expected));

  it('a default of the dialect written out', () => {
    const before = edited({ '/additionalProperties': undefined, '/concurrency': undefined });
    const after = edited({ '/additionalProperties': true, '/concurrency': 'optional' }, before);
    expect(told(before, after)).toBe('+ restated /additionalProperties, + restated /concurrency');
  });
});

describe('compareEntities › on generated documents', () => {
  const text = fc.string({ maxLength: 4 });
  const annotations = { title: text, description: text, deprecated: fc.boolean() };
  const scalar = fc.record(
    {
      type: fc.constantFrom<JsonValue>('string', 'integer', 'number', 'boolean', ['string', 'null'], ['string', 'integer']),
      enum: fc.array(text, { minLength: 1, maxLength: 3 }),
      maxLength: fc.nat(9),
      minimum: fc.double({ noNaN: true, noDefaultInfinity: true }),
      default: fc.constantFrom<JsonValue>(null, 0, -0, '', false, [], {}),
      unique: fc.constant(true),
      relation: fc.record({ entity: text }),
      immutable: fc.boolean(),
      ...annotations,
    },
    { requiredKeys: [] },
  );
  const nested = fc.record(
    {
      type: fc.constant('object'),
      properties: fc.dictionary(text, scalar, { maxKeys: 3 }),
      anyOf: fc.array(scalar, { maxLength: 2 }),
      ...annotations,
    },
    { requiredKeys: [] },
  );
  const name = fc.oneof(text, fc.constantFrom('title', 'examples', 'properties', 'constructor', '__proto__', 'a/b', '~'));
  const document = fc
    .record(
      {
        type: fc.constant('object'),
        properties: fc.dictionary(name, fc.oneof(scalar, nested), { minKeys: 1, maxKeys: 4 }),
        required: fc.uniqueArray(name, { maxLength: 2 }),
        additionalProperties: fc.boolean(),
        $defs: fc.dictionary(text, scalar, { maxKeys: 2 }),
        uniqueKeys: fc.uniqueArray(fc.array(text, { minLength: 2, maxLength: 2 }), { maxLength: 2, selector: String }),
        concurrency: fc.constantFrom('optional', 'required'),
        ...annotations,
      },
      { requiredKeys: ['type', 'properties'] },
    )
    .map((made) => structuredClone(made) as JsonObject);

  it('finds nothing between a document and itself, in any order of members', () => {
    const reversed = (value: JsonValue): JsonValue =>
      isJsonObject(value)
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([member, inner]) => [member, reversed(inner)]),
          )
        : value;
    fc.assert(
      fc.property(document, (before) => {
        expect(told(before, before)).toBe('');
        expect(told(before, reversed(before) as JsonObject)).toBe('');
      }),
      { numRuns: 200 },
    );
  });

  it('lets no single mutation through that is not on the additive list', () => {
    const words = [
      'type',
      'enum',
      'const',
      'pattern',
      'format',
      'required',
      'relation',
      'unique',
      'readOnly',
      'items',
      '$ref',
      'new',
    ];
    const values: JsonValue[] = [null, true, 7, -0, 'new', [], ['new'], {}, { type: 'string' }, { new: 1 }];
    const mutation = fc.record({
      place: fc.nat(),
      word: fc.constantFrom(...words),
      value: fc.constantFrom(undefined, ...values),
    });
    let applied = 0;
    fc.assert(
      fc.property(document, mutation, (before, { place, word, value }) => {
        const places = [...schemaPlaces(before, [], word)];
        const path = places[place % places.length] as readonly string[];
        const after = editedAt(before, path, value);
        if (isOnTheList(path.at(-1) as string, before, after)) return;
        applied++;
        const changes = compareEntities(entity(before), entity(after));
        expect(changes.filter((change) => !change.additive)).not.toEqual([]);
      }),
      { numRuns: 1000 },
    );
    expect(applied).toBeGreaterThan(500);
  });

  it('lets every change of annotations through, and tells each', () => {
    const mutation = fc.record({
      place: fc.nat(),
      word: fc.constantFrom('title', 'description', '$comment', 'deprecated', 'examples'),
    });
    fc.assert(
      fc.property(document, mutation, (before, { place, word }) => {
        const places = [...schemaPlaces(before, [], word)].filter((path) => path.at(-1) === word && path.at(-2) !== 'properties');
        const path = places[place % places.length] as readonly string[];
        const changes = compareEntities(entity(before), entity(editedAt(before, path, ['new'])));
        expect(changes).toMatchObject([{ kind: 'annotation-changed', additive: true, pointer: path.reduce(pointer, '') }]);
      }),
      { numRuns: 200 },
    );
  });
});

/** Every keyword of every schema inside, `word` besides in each, and every named schema. */
function* schemaPlaces(schema: JsonObject, path: readonly string[], word: string): Generator<readonly string[]> {
  for (const keyword of new Set([word, ...Object.keys(schema)])) yield [...path, keyword];
  for (const keyword of ['properties', '$defs', 'anyOf']) {
    for (const [name, inner] of Object.entries(schema[keyword] ?? {})) {
      if (keyword !== 'anyOf') yield [...path, keyword, name];
      yield* schemaPlaces(inner as JsonObject, [...path, keyword, name], word);
    }
  }
}

/** Annotations, and what says the same: these have cases of their own above. */
function isOnTheList(keyword: string, before: JsonObject, after: JsonObject): boolean {
  const plain = (document: JsonObject) => {
    const spelledOut = {
      additionalProperties: true,
      concurrency: 'optional',
      keeps: KEEPS_NOTHING,
      required: [],
      uniqueKeys: [],
      ...document,
    };
    return JSON.parse(
      JSON.stringify(spelledOut, (name, value) => (name === 'unique' && value !== true ? undefined : (value ?? null))),
    );
  };
  return ['title', 'description', 'deprecated'].includes(keyword) || isDeepStrictEqual(plain(before), plain(after));
}
