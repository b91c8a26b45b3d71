import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import { type Entity, KEEPS_NOTHING } from '../entity.js';
import { compileValidator, MAX_FAULTS, type RecordValidator } from './validator.js';

/** Bounds on time are ten times and more what was measured; what they guard against takes seconds to centuries. */
const SOON = 2_000;

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

function soon<T>(work: () => T): T {
  const before = performance.now();
  const result = work();
  expect(performance.now() - before).toBeLessThan(SOON);
  return result;
}

function rules(faults: readonly Fault[]): string[] {
  return [...new Set(faults.map(({ rule }) => rule))];
}

function nested(depth: number, leaf: JsonValue): JsonValue {
  let value = leaf;
  for (let i = 0; i < depth; i++) value = { child: value };
  return value;
}

describe('a record cannot keep the validator busy', () => {
  const child = { properties: { child: { $ref: '#/$defs/node' } } };

  it.each<[string, JsonObject]>([
    ['anyOf', { anyOf: [child, child] }],
    ['oneOf', { oneOf: [child, child] }],
    ['not and if', { not: { not: child }, if: child, else: child }],
    ['allOf under not', { not: { allOf: [{ not: child }, { not: child }] } }],
    ['contains', { anyOf: [{ not: child }, child] }],
  ])('by doubling the work with each level through %s', (_name, node) => {
    const { validate } = validatorOf({
      properties: { tree: { $ref: '#/$defs/node' } },
      $defs: { node: { type: 'object', ...node } },
    });
    expect(rules(soon(() => validate({ tree: nested(40, 5) })))).toContain('budget');
    expect(rules(validate({ tree: nested(6, 5) }))).not.toContain('budget');
  });

  it('by letting few steps each look at a megabyte', () => {
    const twice = {
      oneOf: [child, { properties: { child: { $ref: '#/$defs/node' }, text: { pattern: '^a+$', maxLength: 10 } } }],
    };
    const { validate } = validatorOf({ properties: { tree: { $ref: '#/$defs/node' } }, $defs: { node: twice } });
    expect(rules(soon(() => validate({ tree: nested(16, { text: 'x'.repeat(1_000_000) }) })))).toEqual(['budget']);
  });

  it('by a circle of references', () => {
    const { validate } = validatorOf({ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } });
    expect(rules(soon(() => validate({})))).toEqual(['budget']);
  });

  it('and is given the steps that its size asks for', () => {
    const item: JsonObject = { type: 'object', allOf: [{ required: ['x'] }, { properties: { x: { type: 'integer' } } }] };
    const { validate } = validatorOf({ properties: { list: { type: 'array', items: item } } });
    expect(soon(() => validate({ list: Array.from({ length: 100_000 }, (_, x) => ({ x })) }))).toEqual([]);
  });

  it('by 20,000 items that have to be unique', () => {
    const { validate } = validatorOf({ properties: { list: { uniqueItems: true } } });
    const list: JsonValue[] = Array.from({ length: 20_000 }, (_, i) => ({ id: i, name: { first: `a${i}`, last: 'b' } }));
    expect(soon(() => validate({ list }))).toEqual([]);
    expect(rules(soon(() => validate({ list: [...list, { name: { last: 'b', first: 'a7' }, id: 7 }] })))).toEqual([
      'uniqueItems',
    ]);
  });

  it('by looking each of 100,000 items up in a long enum', () => {
    const values = Array.from({ length: 10_000 }, (_, i) => (i % 2 ? `v${i}` : { v: i }));
    const { validate } = validatorOf({ properties: { list: { items: { enum: values } } } });
    expect(soon(() => validate({ list: Array.from({ length: 100_000 }, () => 'v9999') }))).toEqual([]);
    expect(soon(() => validate({ list: [{ v: 9998 }, { v: 1 }] }))).toHaveLength(1);
  });

  it.each([
    ...[
      '^(a+)+$',
      '^(a|a)*$',
      '^(a|aa)+$',
      '(a*)*b',
      '^([a-z]+)*$',
      '(.*a){12}',
      '^(\\w+\\s?)*$',
      '(x+x+)+y',
      '^(([a-z])+.)+[A-Z]([a-z])+$',
    ],
    ...['^(a?){20}a{20}$', '^[\\s\\S]*(a|b)*c$', '(a{1,30}){1,30}$'],
  ])('by the pattern %s', (pattern) => {
    const { validate } = validatorOf({
      properties: { text: { pattern }, map: { patternProperties: { [pattern]: { type: 'null' } } } },
    });
    soon(() => validate({ text: `${'a'.repeat(10_000)}!`, map: { [`${'a'.repeat(10_000)}!`]: 1 } }));
  });

  it('with a text that a pattern would take long to match: the place is named', () => {
    const pattern = '^(?:[a-d]x?|[x-z]{2,30}y)+$';
    const { validate } = validatorOf({ properties: { map: { additionalProperties: { not: { pattern } } } } });
    const [fault] = soon(() => validate({ map: { ok: '1', 'too/long': 'a'.repeat(2_000_000) } }));
    expect(fault).toMatchObject({ pointer: '/map/too~1long', rule: 'pattern' });
  });
});

describe('the faults of a hostile record stay few', () => {
  it.each<[string, JsonObject, JsonValue]>([
    ['items', { items: { type: 'string' } }, Array.from({ length: 300_000 }, () => 1)],
    ['items by reference', { items: { $ref: '#/$defs/text' } }, Array.from({ length: 300_000 }, () => 1)],
    ['forbidden items', { items: false }, Array.from({ length: 300_000 }, () => 1)],
    ['an array by reference', { $ref: '#/$defs/texts' }, Array.from({ length: 300_000 }, () => 1)],
    [
      'undeclared members',
      { additionalProperties: false },
      Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`m${i}`, 1])),
    ],
    [
      'member names',
      { propertyNames: { maxLength: 1 } },
      Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`m${i}`, 1])),
    ],
    [
      'branches',
      { anyOf: [{ items: { type: 'string' } }, { items: { type: 'null' } }] },
      Array.from({ length: 300_000 }, () => 1),
    ],
  ])('for %s', (_name, schema, value) => {
    const document = {
      properties: { a: schema },
      $defs: { text: { type: 'string' }, texts: { type: 'array', items: { type: 'string' } } },
    };
    const { validate } = validatorOf(document);
    const faults = soon(() => validate({ a: value }));
    expect(faults.length).toBeGreaterThan(1);
    expect(faults.length).toBeLessThanOrEqual(MAX_FAULTS);
    expect(faults[0]!.pointer).toMatch(/^\/a/);
    expect(rules(faults)).toContain('faults');
  });

  it('while contains looks through items that do not match', () => {
    const { validate } = validatorOf({ properties: { a: { contains: { type: 'object', required: ['x'] } } } });
    const before = process.memoryUsage().heapUsed;
    expect(rules(soon(() => validate({ a: Array.from({ length: 300_000 }, () => 1) })))).toEqual(['contains']);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000);
  });

  it('and short, whatever the members are called', () => {
    const { validate } = validatorOf({ additionalProperties: false });
    const faults = validate(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}`.repeat(100_000), 1])));
    expect(JSON.stringify(faults).length).toBeLessThan(100_000);
  });
});

describe('nothing in a document becomes code', () => {
  const touched = globalThis as { hacked?: boolean };
  const INTERPOLATION = ['$', '{globalThis.hacked=true}'].join('');
  const hostile = [
    ...['"+(globalThis.hacked=true)+"', "'+(globalThis.hacked=true)+'", `\`${INTERPOLATION}\``, '*/ globalThis.hacked=true /*'],
    ...[
      '\n globalThis.hacked=true //',
      '\u2028globalThis.hacked=true//',
      '"];globalThis.hacked=true;["',
      '\\"+(globalThis.hacked=true)//',
    ],
    ...[INTERPOLATION, '</script>', "'); globalThis.hacked=true; ('", '\\', '\\u0022', '$&', 'data', 'errors', 'return 1;'],
  ];

  it.each(hostile)('%j', (text) => {
    const document: JsonObject = {
      $id: text,
      ...{ title: text, $comment: text, description: text, default: text, examples: [text] },
      required: [text],
      properties: {
        [text]: { enum: [text, { [text]: text }], title: text, $comment: text },
        const: { const: text },
        constant: { const: { [text]: [text] } },
        ref: { $ref: `#/$defs/${encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'))}` },
        deep: {
          dependentRequired: { [text]: [text] },
          dependentSchemas: { [text]: { required: [text] } },
          unevaluatedProperties: false,
        },
      },
      $defs: { [text]: { type: 'object', propertyNames: { enum: [text] } } },
    };
    const { validate } = validatorOf(document);
    const good = { [text]: text, const: text, constant: { [text]: [text] }, ref: { [text]: 1 }, deep: {} };
    expect(validate(good)).toEqual([]);
    expect(validate({ ...good, [text]: { [text]: text } })).toEqual([]);
    const bad = { const: 1, constant: { [text]: [] }, ref: { other: 1 }, deep: { [text]: 1 } };
    expect(rules(validate(bad)).sort()).toEqual(['const', 'enum', 'propertyNames', 'required', 'unevaluatedProperties']);
    expect(touched.hacked).toBeUndefined();
  });
});
