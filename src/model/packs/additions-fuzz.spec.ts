import fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import { isSameValue } from '../change/first-difference.js';
import { withBareWords } from '../document/dialect.js';
import { type Additions, additionsOf, withAdditions } from './additions.js';

describe('additions of any kind', () => {
  const PACK_NAMES = ['tag', 'kind', 'b/c', 'owner', 'constructor', 'hasOwnProperty'];
  const OWN_NAMES = ['room', 'floor', 'a~b', 'id', 'toString', 'prototype'];
  const sayable = (value: unknown) => !JSON.stringify(value).includes('__proto__');
  const schema = fc.oneof(
    fc.boolean(),
    fc.dictionary(
      fc.constantFrom('type', 'title', 'enum', 'unique', 'x-index', 'x-relation', 'properties', 'valueOf'),
      fc.jsonValue({ maxDepth: 2 }).filter(sayable),
      { maxKeys: 4 },
    ),
  ) as fc.Arbitrary<JsonValue>;
  const declared = (names: string[]) => fc.dictionary(fc.constantFrom(...names), schema, { maxKeys: 5 });
  const entries = fc.uniqueArray(
    fc.oneof(
      fc.uniqueArray(fc.constantFrom(...PACK_NAMES, ...OWN_NAMES), { minLength: 1, maxLength: 3 }),
      fc.record({ fields: fc.constant(['tag']), method: fc.constantFrom('btree', 'brin') }),
    ),
    { maxLength: 4, selector: (entry) => JSON.stringify(entry) },
  ) as fc.Arbitrary<JsonValue[]>;
  const arbitraryPack = fc
    .record({
      properties: declared(PACK_NAMES),
      uniqueKeys: entries,
      indexes: entries,
      prefixed: fc.boolean(),
      title: fc.string(),
    })
    .chain(({ properties, uniqueKeys, indexes, prefixed, title }) =>
      fc.subarray(Object.keys(properties)).map((required): JsonObject => {
        return { type: 'object', title, properties, required, uniqueKeys, [prefixed ? 'x-indexes' : 'indexes']: indexes };
      }),
    );
  const arbitraryAdditions = fc
    .record({ properties: declared(OWN_NAMES), uniqueKeys: entries, indexes: entries })
    .chain(({ properties, ...lists }) =>
      fc.subarray(Object.keys(properties)).map((required) => ({ properties, required, ...lists })),
    )
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, part]) => Object.keys(part).length > 0)) as Additions);

  it('come back from the document they were put into', () => {
    const seen = { filled: 0 };
    fc.assert(
      fc.property(arbitraryPack, arbitraryAdditions, (document, additions) => {
        if (withBareWords(document).faults.length > 0) return;
        expect(additionsOf(document, withAdditions(document, additions))).toEqual({ additions });
        if (Object.keys(additions).length === 4) seen.filled += 1;
      }),
      { numRuns: 300 },
    );
    expect(seen.filled).toBeGreaterThan(0);
  });

  it('come back whatever the order and spelling of the rest, and give the same document again', () => {
    const shuffled = (document: JsonObject, seed: number): JsonObject => {
      const turn = <T>(list: readonly T[]): T[] => [
        ...list.slice(seed % (list.length || 1)),
        ...list.slice(0, seed % (list.length || 1)),
      ];
      const words = turn(Object.entries(document)).map(([word, value]): [string, JsonValue] => {
        if (word === 'properties') return [word, Object.fromEntries(turn(Object.entries(value as JsonObject)))];
        if (Array.isArray(value)) return [word === 'uniqueKeys' ? 'x-uniqueKeys' : word, turn(value as JsonValue[])];
        return [word, value];
      });
      return Object.fromEntries(words);
    };
    const sorted = (list: JsonValue | undefined) => [...((list ?? []) as JsonValue[])].map((one) => JSON.stringify(one)).sort();
    fc.assert(
      fc.property(arbitraryPack, arbitraryAdditions, fc.nat(20), (document, additions, seed) => {
        const whole = withAdditions(document, additions);
        const found = additionsOf(document, shuffled(whole, seed));
        if (!('additions' in found)) throw new Error(JSON.stringify(found.faults));
        const again = withAdditions(document, found.additions);
        expect(isSameValue(again.properties, whole.properties)).toBe(true);
        for (const list of ['required', 'uniqueKeys', 'indexes', 'x-indexes'])
          expect(sorted(again[list])).toEqual(sorted(whole[list]));
      }),
      { numRuns: 300 },
    );
  });

  it('never hide a change: whatever of the pack is removed or replaced is a fault at its place', () => {
    fc.assert(
      fc.property(arbitraryPack, arbitraryAdditions, fc.nat(), fc.boolean(), (document, additions, pick, replace) => {
        const targets = [
          ...['type', 'title'].map((word) => ({ place: pointer('', word), path: [word] })),
          ...namesOf(document.properties).map((name) => ({ place: pointer('/properties', name), path: ['properties', name] })),
          ...namesOf(document.required).map((index) => ({ place: '/required', path: ['required', index] })),
        ];
        const { place, path } = targets[pick % targets.length]!;
        const found = additionsOf(document, changed(withAdditions(document, additions), path, replace));
        if (!('faults' in found)) throw new Error(`${place} is taken for an addition`);
        expect(found.faults.map((fault) => fault.pointer.slice(0, place.length))).toContain(place);
      }),
      { numRuns: 300 },
    );
  });

  const namesOf = (value: JsonValue | undefined) => Object.keys(value as object);

  function changed(document: JsonObject, [step, ...rest]: readonly string[], replace: boolean): JsonObject {
    const inner = document[step!]!;
    if (Array.isArray(inner)) return { ...document, [step!]: inner.filter((_, index) => String(index) !== rest[0]) };
    if (rest.length > 0) return { ...document, [step!]: changed(inner as JsonObject, rest, replace) };
    const others = Object.entries(document).filter(([word]) => word !== step);
    return Object.fromEntries(replace ? [...others, [step!, isJsonObject(inner) ? { $comment: 'ours' } : 'ours']] : others);
  }
});
