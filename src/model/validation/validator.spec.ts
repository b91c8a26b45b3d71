import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { Problem } from '../../platform/problem.js';
import { type Entity, KEEPS_NOTHING } from '../entity.js';
import { compileValidator, type RecordValidator } from './validator.js';

/** No columns: what these tests are about is the document alone. */
function validatorOf(document: JsonObject): RecordValidator {
  const entity: Entity = {
    ...{
      name: 'thing',
      table: 'thing',
      properties: [],
      keepsExtras: true,
      uniqueKeys: [],
      indexes: [],
      concurrency: 'optional',
      keeps: KEEPS_NOTHING,
    },
    document: { type: 'object', ...document },
  };
  return compileValidator(entity);
}

/** `pointer rule: message` of every fault. */
function faultsOf(document: JsonObject, record: JsonValue): string[] {
  return validatorOf(document)
    .validate(record)
    .map(({ pointer, rule, message }) => `${pointer} ${rule}: ${message}`);
}

function property(schema: JsonValue, value: JsonValue): string[] {
  return faultsOf({ properties: { a: schema } }, { a: value });
}

describe('a record is refused', () => {
  it('with every place and rule, and never its values', () => {
    const document: JsonObject = {
      required: ['name', 'size', 'a/b'],
      properties: {
        name: { type: 'string', maxLength: 5, pattern: '^[a-z]+$' },
        size: { type: 'integer', minimum: 10 },
        kind: { enum: ['red', 'green'] },
        list: { type: 'array', items: { type: 'object', required: ['x'], properties: { x: { type: ['string', 'null'] } } } },
        'a/b': { type: 'boolean' },
      },
      additionalProperties: false,
    };
    const record: JsonObject = {
      name: 'SECRET',
      size: 3.5,
      kind: 'SECRET',
      list: [{ x: null }, {}, { x: 7 }, 'SECRET'],
      SECRET_MEMBER: 'SECRET',
    };
    const faults = faultsOf(document, record);
    expect(faults.sort()).toEqual([
      '/SECRET_MEMBER additionalProperties: is not declared in the entity document',
      '/a~1b required: is required',
      '/kind enum: must be one of the values that the entity document lists',
      '/list/1/x required: is required',
      '/list/2/x type: must be string or null',
      '/list/3 type: must be object',
      '/name maxLength: must have at most 5 characters',
      '/name pattern: must match the pattern of the entity document',
      '/size minimum: must be at least 10',
      '/size type: must be integer',
    ]);
    expect(faults.join('').replace('/SECRET_MEMBER', '')).not.toContain('SECRET');
  });

  it.each<[string, JsonValue, JsonValue, string[]]>([
    ['type', { type: ['string', 'null'] }, 1, ['/a type: must be string or null']],
    ['const', { const: { x: 1 } }, { x: 2 }, ['/a const: must be the value that the entity document names']],
    ['multipleOf', { multipleOf: 0.01 }, 19.995, ['/a multipleOf: must be a multiple of the number in the entity document']],
    ['maximum', { maximum: 3 }, 4, ['/a maximum: must be at most 3']],
    ['exclusiveMinimum', { exclusiveMinimum: 3 }, 3, ['/a exclusiveMinimum: must be more than 3']],
    ['minLength in code points', { minLength: 2 }, '😀', ['/a minLength: must have at least 2 characters']],
    ['format', { format: 'email' }, 'nobody', ['/a format: must be a valid email']],
    [
      'uniqueItems',
      { uniqueItems: true },
      [1, { a: 1, b: [2] }, { b: [2.0], a: 1 }],
      ['/a uniqueItems: must not have equal items'],
    ],
    [
      'contains',
      { contains: { type: 'null' }, minContains: 2 },
      [null, 1],
      ['/a contains: must have 2 or more items that match "contains"'],
    ],
    [
      'maxContains',
      { contains: { const: 1 }, maxContains: 1 },
      [1, 1],
      ['/a contains: must have 1 to 1 items that match "contains"'],
    ],
    [
      'dependentRequired',
      { dependentRequired: { x: ['y'] } },
      { x: 1 },
      ['/a/y dependentRequired: is required when "x" is present'],
    ],
    [
      'propertyNames',
      { propertyNames: { maxLength: 1 } },
      { xy: 1 },
      ['/a/xy maxLength: must have at most 1 characters', '/a/xy propertyNames: must have another name'],
    ],
    ['not', { not: { type: 'null' } }, null, ['/a not: must not match the schema of not']],
    [
      'if',
      JSON.parse('{"if":{"minimum":5},"then":{"maximum":6}}'),
      7,
      ['/a maximum: must be at most 6', '/a if: must match the schema of then'],
    ],
    ['oneOf', { oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3, ['/a oneOf: must match exactly one schema of oneOf']],
    ['false', { properties: { x: false } }, { x: 1 }, ['/a/x false: must not be present']],
    [
      'unevaluatedProperties',
      { allOf: [{ properties: { x: true } }], unevaluatedProperties: false },
      { x: 1, y: 1 },
      ['/a/y unevaluatedProperties: is not declared in the entity document'],
    ],
    ['$ref', { $ref: '#/$defs/none' }, 1, ['/a false: must not be present']],
  ])('for breaking %s', (_rule, schema, value, expected) => {
    expect(faultsOf({ properties: { a: schema }, $defs: { none: false } }, { a: value })).toEqual(expected);
  });

  it('by each of several patterns for itself', () => {
    const { validate } = validatorOf({
      properties: { a: { pattern: '^a' }, b: { pattern: '^b' } },
      patternProperties: { '^c': { const: 1 } },
    });
    expect(validate({ a: 'a', b: 'b', c: 1 })).toEqual([]);
    expect(validate({ a: 'b', b: 'a', c: 2 })).toHaveLength(3);
  });

  it('that is no object', () => {
    expect(faultsOf({}, [])).toEqual([' type: must be object']);
  });

  it('for members that every JavaScript object seems to have', () => {
    expect(faultsOf({ required: ['constructor', 'toString'] }, {})).toHaveLength(2);
    expect(faultsOf({ properties: { constructor: { type: 'string' }, valueOf: { type: 'null' } } }, {})).toEqual([]);
  });

  it('for a number that is a multiple only in doubles, and not for one that is only there none', () => {
    expect(property({ multipleOf: 0.01 }, 19.99)).toEqual([]);
    expect(property({ multipleOf: 0.1 }, 1.1)).toEqual([]);
    expect(property({ multipleOf: 3 }, 1e300)).toHaveLength(1);
    expect(property({ multipleOf: 1e-300 }, 1e300)).toEqual([]);
  });
});

describe('formats', () => {
  it.each<[string, string[], string[]]>([
    [
      'time',
      ['09:30:00Z', '09:30:00.5+02:00', '23:59:60z'],
      ['09:30:00', '09:30:00+02', '09:60:00+10:01', '24:00:00Z', '12:00:60Z'],
    ],
    ['time-local', ['09:30:00', '09:30:00.123'], ['09:30', '09:30:00Z', '25:00:00']],
    [
      'date-time',
      ['2026-11-21T09:30:00Z', '2026-11-21t09:30:00.1234567-23:59'],
      ['2026-11-21 09:30:00Z', '2026-11-21T09:30:00', '2026-02-29T00:00:00Z', '2026-11-21T09:30:00+0200'],
    ],
    ['date-time-local', ['2026-11-21T09:30:00'], ['2026-11-21T09:30:00Z', '2026-11-21', '2026-13-01T00:00:00']],
    [
      'uuid',
      ['018F0000-0000-7000-8000-000000000000'],
      ['urn:uuid:018f0000-0000-7000-8000-000000000000', '018f00000000700080000000000000000000'],
    ],
    ['byte', ['', 'QQ==', 'QUJD'], ['QR==', 'QQ', 'QQ==\n', 'Q Q==', '_-8=']],
    ['decimal', ['0', '-12.50', '007'], ['1.', '.5', '+1', '1e5', 'NaN', '']],
    [
      'int8range',
      ['[1,5)', '(,5]', '[-9223372036854775808,9223372036854775807]', '(,)', '[,]', 'empty', '[5,5)', '(1,2)'],
      [
        '[5,4)',
        '[1,5',
        '1,5',
        '5',
        '[01,5)',
        '[+1,5)',
        '[-0,5)',
        '[1.0,5)',
        '[9223372036854775808,)',
        '[1, 5)',
        '["1",5)',
        'EMPTY',
      ],
    ],
    [
      'numrange',
      ['[1.5,2.50]', '[007,)', '(-1,-0.5)', '[1,1.0]'],
      ['[1,.5)', '[2,1.99)', '[-0.5,-0.51]', '[1e5,)', '[NaN,)', ''],
    ],
    [
      'daterange',
      ['[2026-11-21,2026-11-21]', '(,2024-02-29)'],
      ['[2026-11-21,2026-11-20]', '[2023-02-29,)', '[infinity,)', '[today,)'],
    ],
    [
      'tsrange',
      ['[2026-11-21T09:30:00,2026-11-21t09:30:00.5)'],
      [
        '[2026-11-21T09:30:00Z,)',
        '[2026-11-21 09:30:00,)',
        '[2026-11-21T09:30:00.5,2026-11-21T09:30:00]',
        '["2026-11-21T09:30:00",)',
      ],
    ],
    [
      'tstzrange',
      ['[2026-11-21T09:30:00Z,2026-11-21T10:30:00+01:00]', '[2026-11-21t09:30:00.1234567-23:59,)'],
      ['[2026-11-21T09:30:00,)', '[2026-11-21T09:30:00Z,2026-11-21T10:29:59.999+01:00)', '(,2016-12-31T23:59:60Z)'],
    ],
    ['ipv4', ['10.0.0.1'], ['10.0.0.01', '10.0.0.1/8']],
    ['ipv6', ['2001:DB8::1', '::ffff:1.2.3.4'], ['fe80::1%eth0', '2001:db8::/32']],
    ['regex', ['^a{2}$'], ['(']],
  ])('%s', (format, good, bad) => {
    const { validate } = validatorOf({ properties: { a: { format } } });
    expect(good.filter((a) => validate({ a }).length > 0)).toEqual([]);
    expect(bad.filter((a) => validate({ a }).length === 0)).toEqual([]);
  });

  it('of a text too long for any of them are not even tried', () => {
    expect(property({ format: 'uri' }, `http://${'a'.repeat(200_000)}`)).toHaveLength(1);
  });

  it('int32 is about numbers', () => {
    expect(property({ format: 'int32' }, 2147483647)).toEqual([]);
    expect(property({ format: 'int32' }, -2147483649)).toHaveLength(1);
    expect(property({ format: 'int32' }, 'a')).toEqual([]);
  });

  it.each(['constructor', '__proto__', 'url', 'Date', '"]; process.exit(); ["'])(
    'the document is refused for the format %s',
    (format) => {
      expect(() => validatorOf({ properties: { a: { anyOf: [{ format }] } } })).toThrow(Problem);
    },
  );
});

describe('documents', () => {
  it('may declare and require system members, which no record has when it is checked', () => {
    const document = { required: ['id', 'revision', 'name'], properties: { id: { type: 'string' }, name: {} } };
    expect(faultsOf(document, {})).toEqual(['/name required: is required']);
  });

  it('may carry the words of the dialect and any annotation', () => {
    const words = {
      encrypted: true,
      unique: true,
      relation: { entity: 'x' },
      pii: 'email',
      access: { read: ['a'] },
      examples: [{ $ref: 'x' }],
    };
    expect(
      property({ type: 'string', title: '*/', $comment: '`', default: 7, contentSchema: { $ref: 'y' }, ...words }, 'v'),
    ).toEqual([]);
  });

  it('that cannot be compiled are a problem, not a crash', () => {
    expect(() => validatorOf({ properties: { a: { $ref: '#/$defs/missing' } } })).toThrow(Problem);
    expect(() => validatorOf({ properties: { a: { $ref: 'http://169.254.169.254/' } } })).toThrow(Problem);
    expect(() => validatorOf({ properties: { a: { pattern: '(?=a)' } } })).toThrow(Problem);
    const chain = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`d${i}`, { not: { $ref: `#/$defs/d${i + 1}` } }]));
    expect(() => validatorOf({ $ref: '#/$defs/d0', $defs: chain })).toThrow(Problem);
  });
});

describe('the verdict', () => {
  const leaf = fc.oneof(
    fc.constantFrom<JsonObject[]>(
      ...[
        { type: 'string' },
        { type: 'integer' },
        { type: ['number', 'null'] },
        { const: 1 },
        { enum: ['a', 1, null, { x: [1] }] },
      ],
      ...[
        { minLength: 2 },
        { maxLength: 1 },
        { minimum: 1 },
        { multipleOf: 2 },
        { required: ['x'] },
        { maxProperties: 1 },
        { minItems: 1 },
      ],
      ...[{ uniqueItems: true }, { pattern: '^a' }, { $ref: '#/$defs/d' }],
    ),
    fc.boolean(),
  );
  const { schema } = fc.letrec<{ schema: JsonValue }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      // Not contains: inside a loop ajv's own takes one array's match for the next one's, see below.
      ...['items', 'additionalProperties', 'not', 'unevaluatedProperties', 'unevaluatedItems', 'propertyNames'].map((word) =>
        fc.record({ [word]: tie('schema') }),
      ),
      ...['allOf', 'anyOf', 'oneOf', 'prefixItems'].map((word) =>
        fc.record({ [word]: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
      ),
      fc.record({
        properties: fc.record({ x: tie('schema'), y: tie('schema') }, { requiredKeys: [] }),
        additionalProperties: tie('schema'),
      }),
      fc.record(Object.fromEntries(['if', 'then', 'else'].map((word) => [word, tie('schema')]))),
      fc.record({ patternProperties: fc.record({ '^x': tie('schema') }), dependentSchemas: fc.record({ y: tie('schema') }) }),
    ) as fc.Arbitrary<JsonValue>,
  }));
  const value = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<JsonValue[]>(0, 1, 2, 1.5, 'a', 'ab', '', null, true),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('x', 'y', 'xy'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ) as fc.Arbitrary<JsonValue>,
  })).value;

  it("of contains is each array's own, inside a loop too", () => {
    const { validate } = validatorOf({ properties: { a: { additionalProperties: { contains: { type: 'integer' } } } } });
    expect(validate({ a: { x: [0], y: [] } }).map(({ pointer, rule }) => [pointer, rule])).toEqual([['/a/y', 'contains']]);
    expect(validate({ a: { x: [0], y: [1] } })).toEqual([]);
  });

  it("is ajv's own, for any schema and value", () => {
    let valid = 0;
    const check = fc.property(schema, schema, fc.array(value, { minLength: 5, maxLength: 10 }), (a, d, values) => {
      const document = { type: 'object', properties: { a }, $defs: { d: { type: 'object', not: d } } } as JsonObject;
      fc.pre(!JSON.stringify(d).includes('$ref'));
      // Not structuredClone: what it makes here is of another realm, whose objects ajv's equality takes for different ones.
      const copy = JSON.parse(JSON.stringify(document)) as JsonObject;
      const reference = new Ajv2020({ strict: false, logger: false, inlineRefs: false }).compile(copy);
      const { validate } = validatorOf(document);
      for (const candidate of values) {
        const expected = reference({ a: candidate });
        if (expected) valid++;
        expect({ candidate, valid: validate({ a: candidate }).length === 0 }).toEqual({ candidate, valid: expected });
      }
    });
    fc.assert(check, { numRuns: 100 });
    expect(valid).toBeGreaterThan(20);
  });
});
