import type { JsonValue } from '../../platform/json-value.js';
import { LIMITS, limitFaults, MAX_FAULTS } from './limits.js';

const object = (members: Record<string, JsonValue>): JsonValue => ({ type: 'object', ...members });
const keys = (count: number, value: JsonValue) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, value]));
const list = (count: number, value: JsonValue): JsonValue => Array.from({ length: count }, () => value);

function nest(depth: number, wrap: (inner: JsonValue) => JsonValue, innermost: JsonValue = {}): JsonValue {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = wrap(value);
  return value;
}

/** What one fault says, and that it took no time to find. */
function only(document: JsonValue): { pointer: string; message: string } {
  const started = performance.now();
  const faults = limitFaults(document);
  expect(performance.now() - started).toBeLessThan(200);
  expect(faults).toHaveLength(1);
  return faults[0]!;
}

describe('limitFaults refuses', () => {
  it('schemas nested 1,000 levels deep', () => {
    const fault = only(nest(1_000, (inner) => ({ not: inner })));
    expect(fault.message).toBe('schemas are nested deeper than 32 levels');
    expect(fault.pointer).toBe('/not'.repeat(32));
  });

  it('schemas nested in properties, lists and definitions alike', () => {
    for (const wrap of [
      (inner: JsonValue) => ({ properties: { a: inner } }),
      (inner: JsonValue) => ({ allOf: [inner] }),
      (inner: JsonValue) => ({ $defs: { a: inner } }),
    ]) {
      expect(limitFaults(nest(LIMITS.schemaDepth - 1, wrap))).toHaveLength(0);
      expect(only(nest(LIMITS.schemaDepth, wrap)).message).toMatch(/nested deeper than (32|64) levels/);
    }
  });

  it('data nested 100,000 levels deep', () => {
    const fault = only({ default: nest(100_000, (inner) => [inner]) });
    expect(fault.message).toBe('objects and arrays are nested deeper than 64 levels');
    expect(fault.pointer).toBe(`/default${'/0'.repeat(63)}`);
  });

  it('an enum of 100,000 values', () => {
    expect(only(object({ properties: { a: { enum: list(100_000, 1) } } }))).toMatchObject({
      pointer: '/properties/a/enum',
      message: 'enum has 100000 values; at most 1000 are allowed',
    });
  });

  it('a list of a million values, wherever it is', () => {
    expect(only({ default: list(1_000_000, 1) })).toMatchObject({
      pointer: '/default',
      message: expect.stringContaining('20000 values'),
    });
    expect(only(list(1_000_000, 1)).message).toContain('20000 values');
  });

  it('10,000 properties', () => {
    expect(only(object({ properties: keys(10_000, {}) }))).toMatchObject({
      pointer: '/properties',
      message: 'the entity has 10000 properties; at most 500 are allowed',
    });
  });

  it('more than 50 branches', () => {
    for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
      expect(only({ [keyword]: list(51, {}) })).toMatchObject({
        pointer: `/${keyword}`,
        message: `${keyword} has 51 schemas; at most 50 are allowed`,
      });
    }
  });

  it('more than 600 schemas', () => {
    const branches = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`d${i}`, { properties: keys(50, {}) }]));
    expect(only({ $defs: branches })).toMatchObject({ message: 'the document holds more than 600 schemas' });
  });

  it('long texts, patterns and names', () => {
    expect(only({ title: 'x'.repeat(10_001) })).toMatchObject({
      pointer: '/title',
      message: expect.stringContaining('at most 10000'),
    });
    expect(only({ pattern: 'x'.repeat(1_001) })).toMatchObject({
      pointer: '/pattern',
      message: expect.stringContaining('at most 1000'),
    });
    expect(only({ properties: { ['x'.repeat(1_001)]: {} } })).toMatchObject({
      pointer: '/properties',
      message: 'a member name is 1001 characters long; at most 1000 are allowed',
    });
  });

  it('more than a megabyte', () => {
    expect(only({ examples: list(200, 'ä'.repeat(9_000)) }).message).toContain('larger than 1000000 bytes');
  });

  it.each<[string, JsonValue, string, string]>([
    ['1e400', { maximum: Number.POSITIVE_INFINITY }, '/maximum', 'too large'],
    ['-1e400', { default: [-Infinity] }, '/default/0', 'too large'],
    ['NUL in a text', { title: 'a\u0000' }, '/title', 'U+0000'],
    ['NUL in an enum', { enum: ['\u0000'] }, '/enum/0', 'U+0000'],
    ['NUL in a name', { properties: { 'a\u0000': {} } }, '/properties/a\u0000', 'U+0000'],
    ['a lone surrogate', { $comment: '\ud800' }, '/$comment', 'half of a surrogate pair'],
    ['a lone surrogate in a name', { default: { '\udc00': 1 } }, '/default/\udc00', 'half of a surrogate pair'],
    ['__proto__', JSON.parse('{"properties":{"__proto__":{"type":"string"}}}'), '/properties/__proto__', '"__proto__"'],
    ['__proto__ in data', JSON.parse('{"default":{"__proto__":{"polluted":true}}}'), '/default/__proto__', '"__proto__"'],
  ])('%s', (_, document, pointer, message) => {
    expect(only(document)).toMatchObject({ pointer, message: expect.stringContaining(message) });
  });

  it('no more than 100 times', () => {
    expect(limitFaults({ enum: list(900, Number.NaN) })).toHaveLength(MAX_FAULTS);
  });
});

describe('limitFaults accepts', () => {
  it('what stays just within the limits', () => {
    const branches = list(LIMITS.branches, {});
    expect(
      limitFaults(
        object({ properties: keys(LIMITS.properties, true), enum: list(1_000, 1), anyOf: branches, title: 'x'.repeat(10_000) }),
      ),
    ).toEqual([]);
  });

  it('data that looks like a large schema', () => {
    expect(limitFaults({ default: { enum: list(2_000, 1), pattern: 'x'.repeat(2_000), anyOf: list(60, 1) } })).toEqual([]);
  });

  it('surrogate pairs', () => expect(limitFaults({ title: '😀' })).toEqual([]));
});
