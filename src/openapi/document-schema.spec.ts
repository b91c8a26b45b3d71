import type { JsonObject, JsonValue } from '../platform/json-value.js';
import { DocumentSchema, SchemaComponents } from './document-schema.js';

/** The rewritten schema, and the components it needed. */
function rewrite(document: JsonObject, schema: JsonValue = document): { schema: JsonValue; components: JsonObject } {
  const components = new SchemaComponents();
  return { schema: new DocumentSchema(document, 'Album', components).rewrite(schema), components: components.toJSON() };
}

describe('document schema › words', () => {
  it('of the dialect get their x- spelling, wherever a schema may be', () => {
    const document = {
      type: 'object',
      uniqueKeys: [['a', 'b']],
      properties: { a: { type: 'string', unique: true, format: 'decimal', scale: 2 }, b: { items: { pii: 'email' } } },
      allOf: [{ not: { index: true } }],
      additionalProperties: { 'x-own': 1 },
    };
    expect(rewrite(document).schema).toEqual({
      type: 'object',
      'x-uniqueKeys': [['a', 'b']],
      properties: {
        a: { type: 'string', 'x-unique': true, format: 'decimal', 'x-scale': 2 },
        b: { items: { 'x-pii': 'email' } },
      },
      allOf: [{ not: { 'x-index': true } }],
      additionalProperties: { 'x-own': 1 },
    });
  });

  it('are left alone where they are data or names of members', () => {
    const document = {
      properties: { unique: { const: { unique: true } }, index: { enum: [{ index: 1 }], default: { pii: 1 } } },
      required: ['index'],
      dependentRequired: { unique: ['index'] },
      relation: { entity: 'Artist' },
    };
    expect(rewrite(document).schema).toEqual({ ...document, relation: undefined, 'x-relation': { entity: 'Artist' } });
  });

  it('for a default stand one level down where the member need not be there', () => {
    const size = { type: 'string', default: 'M' };
    const document = { required: ['a'], properties: { a: size, b: size, c: { items: { properties: { d: size } } } } };
    expect(rewrite(document).schema).toEqual({
      required: ['a'],
      properties: { a: size, b: { allOf: [size] }, c: { items: { properties: { d: { allOf: [size] } } } } },
    });
  });

  it('for the author, and names of places, are not published', () => {
    const document = { $schema: 's', $comment: 'mine', $defs: { A: {} }, title: 'T' };
    expect(rewrite(document).schema).toEqual({ title: 'T' });
  });

  it('keep a member called __proto__ a member', () => {
    const document = JSON.parse('{"properties":{"__proto__":{"type":"string","unique":true}}}') as JsonObject;
    expect(JSON.stringify(rewrite(document).schema)).toBe('{"properties":{"__proto__":{"type":"string","x-unique":true}}}');
  });
});

describe('document schema › references', () => {
  it('become components, recursive ones too, each once', () => {
    const document = {
      $defs: {
        Node: { properties: { next: { $ref: '#/$defs/Node' }, value: { $ref: '#/$defs/Value' } } },
        Value: { pii: true },
        Unused: {},
      },
      properties: { first: { $ref: '#/$defs/Node', description: 'kept' }, second: { $ref: '#/$defs/Node' } },
    };
    expect(rewrite(document)).toEqual({
      schema: {
        properties: {
          first: { $ref: '#/components/schemas/Album.defs.Node', description: 'kept' },
          second: { $ref: '#/components/schemas/Album.defs.Node' },
        },
      },
      components: {
        'Album.defs.Node': {
          properties: {
            next: { $ref: '#/components/schemas/Album.defs.Node' },
            value: { $ref: '#/components/schemas/Album.defs.Value' },
          },
        },
        'Album.defs.Value': { 'x-pii': true },
      },
    });
  });

  it.each([
    ['the root', '#', 'Album.Document'],
    ['any other place', '#/properties/a/items', 'Album.properties.a.items'],
    ['a list element', '#/allOf/0', 'Album.allOf.0'],
    ['an escaped name', '#/$defs/a~1b~0c%25%C3%A9', expect.stringMatching(/^Album\.defs\.a_b_c_+[0-9a-f]{6}$/)],
  ])('to %s', (_, $ref, name) => {
    const document = {
      $defs: { N: {}, 'a/b~c%é': { const: 1 } },
      properties: { a: { items: { type: 'string' } }, x: { $ref } },
      allOf: [{ title: 'x' }],
    };
    expect(Object.keys(rewrite(document, { $ref }).components)).toEqual(name === 'Album.Document' ? ['Album.Document'] : [name]);
    expect(rewrite(document, { $ref }).schema).toEqual({ $ref: expect.stringContaining('#/components/schemas/Album.') });
  });

  it.each(['#/$defs/missing', '#anchor', 'https://elsewhere.test/x', '#/$defs/%E0%A4%A', '#/toString', 7])(
    'to %p, where nothing is, permit anything and do not fail',
    ($ref) => {
      expect(rewrite({ $defs: {} }, { $ref, title: 'x' })).toEqual({ schema: { title: 'x' }, components: {} });
    },
  );
});
