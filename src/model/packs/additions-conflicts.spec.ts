import type { JsonObject } from '../../platform/json-value.js';
import { own, pack } from './additions.fixture.js';
import { type Additions, conflictsOf } from './additions.js';

describe('conflictsOf', () => {
  const next = (properties: JsonObject, rest: JsonObject = {}): JsonObject => {
    return { ...pack, ...rest, properties: { ...(pack.properties as JsonObject), ...properties } };
  };

  it.each<[string, JsonObject, Additions, string, string]>([
    [
      'a property of the same name',
      next({ room: { type: 'string' } }),
      own,
      '/properties/room',
      'rename your own property first',
    ],
    [
      'even with the same schema',
      next({ floor: { type: 'integer', index: true } }),
      own,
      '/properties/floor',
      'the pack declares "floor" too',
    ],
    [
      'a property renamed from one of that name',
      next({ place: { type: 'string', 'x-renamedFrom': 'room' } }),
      own,
      '/properties/room',
      'the pack takes "room" for the former name of its own "place": rename your own property first',
    ],
    [
      "a property from whose name the tenant's own was renamed",
      next({ room: { type: 'string' } }),
      { properties: { 'a/b': { type: 'string', 'x-renamedFrom': 'room' } } },
      '/properties/a~1b/x-renamedFrom',
      'take the word renamedFrom out first',
    ],
    [
      'the same unique key, in another order and spelling',
      {
        type: 'object',
        properties: pack.properties!,
        'x-uniqueKeys': [
          ['tag', 'kind'],
          ['kind', 'owner'],
        ],
      },
      { uniqueKeys: [['owner', 'kind']] },
      '/uniqueKeys/0',
      'take your own key out first',
    ],
    [
      'a property gone that a unique key names',
      { ...pack, properties: {} },
      { ...own, indexes: [] },
      '/uniqueKeys/0/1',
      'the pack does not declare "tag" any more: take this entry out first',
    ],
    [
      'one that an index names',
      { ...pack, properties: {} },
      { indexes: [['-created_at', '-kind']] },
      '/indexes/0/1',
      '"kind" any more',
    ],
    [
      'one that an index with a method names',
      { ...pack, properties: {} },
      { indexes: [{ fields: ['kind'] }] },
      '/indexes/0/fields/0',
      '"kind"',
    ],
    [
      'an index on a name that objects inherit',
      pack,
      { indexes: [['tag', 'constructor']] },
      '/indexes/0/1',
      'the pack does not declare "constructor" any more',
    ],
  ])('tells %s', (_, document, additions, at, message) => {
    expect(conflictsOf(document, additions)).toEqual([{ pointer: at, rule: 'pack', message: expect.stringContaining(message) }]);
  });

  it('tells nothing of what goes together: the pack as it was, new properties, the same index', () => {
    const document = next(
      { site: { type: 'string', renamedFrom: 'place' }, constructor: true },
      { indexes: [['floor', '-kind']] },
    );
    for (const version of [pack, document, { type: 'object' }]) {
      const { uniqueKeys: _, indexes: __, ...without } = own;
      expect(conflictsOf(version, version.properties ? own : without)).toEqual([]);
      expect(conflictsOf(version, {})).toEqual([]);
    }
    expect(conflictsOf(pack, { properties: { toString: true, valueOf: { renamedFrom: 'constructor' } } })).toEqual([]);
  });
});
