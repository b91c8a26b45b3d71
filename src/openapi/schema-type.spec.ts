import { readEntity } from '../model/document/read-entity.js';
import type { JsonValue } from '../platform/json-value.js';
import { Definitions, SchemaTypes } from './schema-type.js';
import { typesSource } from './types-source.js';

/** On one line. */
const typeOf = (schema: JsonValue): string => new SchemaTypes({}, 'a', new Definitions()).typeOf(schema).replace(/\s+/g, ' ');

describe('schema type', () => {
  it.each<[string, JsonValue, string]>([
    ['nothing', {}, 'Json'],
    ['anything', true, 'Json'],
    ['an integer', { type: 'integer' }, 'number'],
    ['a number or null', { type: ['number', 'null'] }, 'number | null'],
    ['a boolean', { type: 'boolean' }, 'boolean'],
    ['an exact decimal', { type: 'string', format: 'decimal' }, 'string'],
    ['a range', { type: 'string', format: 'tstzrange' }, 'string'],
    ['a date', { type: ['string', 'null'], format: 'date' }, 'string | null'],
    ['choices', { type: 'string', enum: ['a', 'b', 'a "quoted" one'] }, '"a" | "b" | "a \\"quoted\\" one"'],
    ['choices of other types', { type: 'integer', enum: [1, -2, 'x', null] }, '1 | -2'],
    ['a choice of anything', { enum: ['a', 1, null, [1, 'b'], { c: true }] }, '"a" | 1 | null | [1, "b"] | { c: true }'],
    ['a constant', { const: false }, 'false'],
    ['a list', { type: 'array', items: { type: 'string' } }, 'string[]'],
    ['a list of several', { type: 'array', items: { type: ['string', 'null'] } }, 'Array<string | null>'],
    ['a list of anything', { type: 'array' }, 'Json[]'],
    ['a tuple', { type: 'array', prefixItems: [{ type: 'string' }, {}], minItems: 1 }, '[string, (Json)?, ...Array<Json>]'],
    ['a closed tuple', { type: 'array', prefixItems: [{ type: 'string' }], items: false }, '[(string)?]'],
    ['an object', { type: 'object' }, '{ [key: string]: Json | undefined; }'],
    ['an empty object', { type: 'object', additionalProperties: false }, '{ [key: string]: never; }'],
    ['a map', { type: 'object', additionalProperties: { type: 'integer' } }, '{ [key: string]: number; }'],
    [
      'members',
      { type: 'object', required: ['a', 'c'], properties: { a: { type: 'string' }, 'b-b': { type: 'integer' } } },
      '{ a: string; "b-b"?: number; c: Json; }',
    ],
    [
      'members and others',
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'integer' } },
      '{ a?: string; [key: string]: Json | undefined; }',
    ],
    ['one of several', { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'integer' } }] }, 'string | number[]'],
    ['any of several, one of them anything', { anyOf: [{ type: 'string' }, { minLength: 1 }] }, 'Json'],
    ['all of several', { allOf: [{ type: ['string', 'integer'] }, { enum: ['a', 1] }] }, '(string | number) & ("a" | 1)'],
    ['what rules apply to, of any type', { properties: { a: { type: 'string' } }, if: {}, minimum: 1 }, 'Json'],
  ])('of %s', (_, schema, expected) => {
    expect(typeOf(schema)).toBe(expected);
  });

  it('that refer to themselves, and to the whole, have names', () => {
    const source = typesSource([
      readEntity('b', {
        type: 'object',
        properties: { tree: { $ref: '#/$defs/a~1b' }, self: { $ref: '#' } },
        $defs: { 'a/b': { type: 'object', properties: { next: { type: 'array', items: { $ref: '#/$defs/a~1b' } } } } },
      }),
    ]);
    expect(source).toContain('          tree: Definitions["b#/$defs/a~1b"] | null;\n          self: Definitions["b#"] | null;\n');
    expect(source).toContain(`
export type Definitions = {
  "b#": {
    tree?: Definitions["b#/$defs/a~1b"];
    self?: Definitions["b#"];
  };
  "b#/$defs/a~1b": {
    next?: Array<Definitions["b#/$defs/a~1b"]>;
  };
};
`);
  });
});
