import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { LIMITS } from './limits.js';
import { readReferences } from './references.js';

const faultsOf = (document: JsonObject) => readReferences(document).faults;
const ref = (name: string): JsonObject => ({ $ref: `#/$defs/${name}` });
const chain = (count: number, link: (next: JsonObject, index: number) => JsonValue): JsonObject => ({
  $ref: '#/$defs/d0',
  $defs: Object.fromEntries(Array.from({ length: count }, (_, i) => [`d${i}`, i < count - 1 ? link(ref(`d${i + 1}`), i) : {}])),
});

describe('readReferences refuses', () => {
  it.each([
    'http://169.254.169.254/latest/meta-data',
    'https://example.com/schema.json',
    'file:///etc/passwd',
    'data:application/json,{}',
    '//example.com/x',
    'other.json',
    '#anchor',
    '#/properties/a',
    '#/$defs',
    '#/$defs/%zz',
    '',
    `http://example.com/${'x'.repeat(9_000)}`,
  ])('%s', ($ref) => {
    const [fault, ...others] = faultsOf({ properties: { a: { $ref } }, $defs: {} });
    expect(fault).toMatchObject({ pointer: '/properties/a/$ref', rule: '$ref' });
    expect(fault!.message).toContain('nothing is ever fetched');
    expect(fault!.message.length).toBeLessThan(200);
    expect(others).toEqual([]);
  });

  it.each(['#/$defs/missing', '#/$defs/a/const', '#/$defs/a/const/properties/b', '#/$defs/__proto__', '#/$defs/constructor'])(
    'a reference to nowhere: %s',
    ($ref) => {
      const document = { properties: { x: { $ref } }, $defs: { a: { const: { properties: { b: {} } } } } };
      expect(faultsOf(document)).toEqual([
        expect.objectContaining({ pointer: '/properties/x/$ref', message: expect.stringContaining('no schema at') }),
      ]);
    },
  );

  it.each<[string, JsonObject, string]>([
    ['itself', { $defs: { a: ref('a') } }, '/$defs/a/$ref'],
    ['itself through allOf', { $defs: { a: { allOf: [ref('a')] } } }, '/$defs/a/allOf/0/$ref'],
    ['another that applies it', { $defs: { a: { anyOf: [{}, ref('b')] }, b: { not: ref('a') } } }, '/$defs/b/not/$ref'],
    ['the root from the root', { allOf: [{ $ref: '#' }] }, '/allOf/0/$ref'],
    ['a schema around it', { $defs: { a: { if: { else: ref('a') } } } }, '/$defs/a/if/else/$ref'],
  ])('a schema that applies %s without end', (_, document, pointer) => {
    expect(faultsOf(document)).toEqual([expect.objectContaining({ pointer, message: expect.stringContaining('without end') })]);
  });

  it('definitions that use the next one twice', () => {
    const started = performance.now();
    const [fault, ...others] = faultsOf(chain(60, (next) => ({ anyOf: [next, next] })));
    expect(performance.now() - started).toBeLessThan(500);
    expect(others).toEqual([]);
    expect(fault).toMatchObject({
      pointer: '/$defs/d47',
      rule: 'limit',
      message: expect.stringContaining('more than 10000 schemas apply'),
    });
  });

  it('fan-out over every keyword that applies in place', () => {
    const wide = (next: JsonObject) => ({
      allOf: [next],
      oneOf: [next],
      not: next,
      if: next,
      else: next,
      dependentSchemas: { a: next },
    });
    expect(faultsOf(chain(30, wide))).toEqual([expect.objectContaining({ rule: 'limit' })]);
  });

  it('references that lead into one another too deep for a compiler', () => {
    for (const link of [
      (next: JsonObject) => ({ properties: { a: next } }),
      (next: JsonObject) => ({ items: next }),
      (next: JsonObject) => next,
    ]) {
      expect(faultsOf(chain(LIMITS.referenceDepth - 1, link))).toEqual([]);
      const [fault] = faultsOf(chain(LIMITS.referenceDepth + 1, link));
      expect(fault).toMatchObject({ rule: 'limit', message: expect.stringContaining('lead into one another') });
    }
  });
});

describe('readReferences follows', () => {
  const document = {
    type: 'object',
    $defs: { 'a b/c': { type: 'string' }, t: true, deep: { properties: { x: { type: 'null' } } } },
  } as const;

  it.each([
    ['#', ''],
    ['#/$defs/a%20b~1c', '/$defs/a b~1c'],
    ['#/$defs/t', '/$defs/t'],
    ['#/$defs/deep/properties/x', '/$defs/deep/properties/x'],
  ])('%s', ($ref, at) => expect(readReferences(document).target($ref)?.at).toBe(at));

  it('recursion through data', () => {
    expect(
      faultsOf({
        properties: { tree: ref('node'), all: { items: { $ref: '#' } } },
        $defs: { node: { properties: { children: { items: ref('node') }, other: { anyOf: [ref('node'), { type: 'null' }] } } } },
      }),
    ).toEqual([]);
  });

  it('one definition used many times', () => {
    const properties = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`p${i}`, ref('money')]));
    expect(faultsOf({ properties, $defs: { money: { type: 'string' } } })).toEqual([]);
  });
});
