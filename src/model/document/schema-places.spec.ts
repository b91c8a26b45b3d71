import type { JsonObject } from '../../platform/json-value.js';
import { allSchemas, appliesInPlace, childSchemas } from './schema-places.js';

describe('allSchemas', () => {
  it('finds schemas where they stand and nowhere else', () => {
    const document: JsonObject = {
      type: 'object',
      const: { properties: { data: {} } },
      examples: [{ not: {} }],
      properties: { enum: { enum: [{}] }, 'a/b': true },
      items: { contains: false },
      $defs: { x: { if: {}, prefixItems: [{}, { type: 'null' }] } },
      dependentSchemas: { y: { not: {} } },
    };
    expect(allSchemas(document).map(({ at }) => at)).toEqual([
      ...['', '/properties/enum', '/properties/a~1b', '/items', '/$defs/x', '/dependentSchemas/y', '/items/contains'],
      ...['/$defs/x/if', '/$defs/x/prefixItems/0', '/$defs/x/prefixItems/1', '/dependentSchemas/y/not'],
    ]);
  });

  it('tells what applies to the value itself from what applies to a part of it', () => {
    const children = childSchemas({ allOf: [{}], not: {}, properties: { a: {} }, items: {}, dependentSchemas: { b: {} } }, '');
    expect(children.filter(appliesInPlace).map(({ at }) => at)).toEqual(['/allOf/0', '/not', '/dependentSchemas/b']);
  });
});
