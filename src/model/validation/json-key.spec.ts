import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { JsonValue } from '../../platform/json-value.js';
import { jsonKey } from './json-key.js';

describe('jsonKey', () => {
  it('tells apart what only looks alike', () => {
    const values: JsonValue[] = [
      null,
      'null',
      0,
      '0',
      false,
      '',
      [],
      {},
      [[]],
      [null],
      ['1,2'],
      [1, 2],
      { a: 1 },
      '{"a":1}',
      { 'a":1,"b': 1 },
      { a: 1, b: 1 },
    ];
    expect(new Set(values.map(jsonKey)).size).toBe(values.length);
  });

  it('is the same for 1 and 1.0, for 0 and -0, and for any order of members', () => {
    expect(jsonKey({ b: [1.0, -0], a: { d: 1, c: '"' } })).toBe(jsonKey({ a: { c: '"', d: 1 }, b: [1, 0] }));
  });

  it('is equal exactly for equal values', () => {
    const value = fc.jsonValue({ maxDepth: 3 }).map((each) => JSON.parse(JSON.stringify(each)) as JsonValue);
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(jsonKey(a) === jsonKey(b)).toBe(isDeepStrictEqual(a, b));
        expect(jsonKey(shuffled(a))).toBe(jsonKey(a));
      }),
    );
  });
});

function shuffled(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [name, shuffled(member)])
      .reverse(),
  );
}
