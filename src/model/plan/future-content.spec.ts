import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import { futureContent } from './future-content.js';
import { change, closed, open } from './plan.fixture.js';

const T = { type: 'string' };

function future(before: JsonObject, after: JsonObject, content: JsonObject): JsonObject {
  return futureContent(change(before, after).t, content);
}

describe('the content of a record as it will be', () => {
  it('leaves what has no exact conversion as it is, for the new document to refuse', () => {
    const after = closed({ a: { type: 'integer' } });
    for (const value of ['abc', '007', '1.0', '', ' 1', '0x10', '9007199254740993']) {
      expect(future(closed({ a: T }), after, { a: value })).toEqual({ a: value });
    }
  });

  it('is without what goes, under its new names, and with the rest', () => {
    const [before, after] = [open({ a: T, b: T }), open({ c: { ...T, renamedFrom: 'a' } })];
    expect(future(before, after, { a: null, b: 'x', other: [1] })).toEqual({ c: null, other: [1] });
  });

  it('has defaults where something comes to be required, and nowhere else', () => {
    const before = open({ 'a!': T, b: T });
    const after = open({
      'a!': { ...T, default: 'x' },
      'b!': { ...T, default: 'x' },
      'c!': { ...T, default: 'x' },
      d: { ...T, default: 'x' },
    });
    expect(future(before, after, { a: 'own' })).toEqual({ a: 'own', b: 'x', c: 'x' });
    expect(future(before, after, { a: 'own', b: 'own', c: null })).toEqual({ a: 'own', b: 'own', c: null });
  });

  it('keeps a member that a prototype would swallow', () => {
    const content = JSON.parse('{ "__proto__": { "a": 1 } }') as JsonObject;
    expect(JSON.stringify(future(open({}), open({ a: T }), content))).toBe('{"__proto__":{"a":1}}');
  });
});

const decimal = (precision?: number, scale?: number) => ({ ...T, format: 'decimal', ...(precision && { precision, scale }) });

describe('a value that changes its type', () => {
  it.each<[JsonObject, JsonObject, JsonValue, JsonValue]>([
    [T, { type: 'integer' }, '-42', -42],
    [T, { type: 'number' }, '1e+20', 1e20],
    [T, { type: 'boolean' }, 'true', true],
    [T, { type: 'boolean' }, 'yes', 'yes'],
    [{ type: 'boolean' }, T, false, 'false'],
    [{ type: 'integer' }, T, 7, '7'],
    [{ type: 'number' }, T, 1e20, '1e+20'],
    [{ type: 'number' }, T, 0.00001, '1e-05'],
    [{ type: 'number' }, T, 1.2345678901234567e20, '123456789012345670000'],
    [{ type: 'number' }, decimal(), 1e21, '1000000000000000000000'],
    [{ type: 'number' }, decimal(), 1.5e-7, '0.00000015'],
    [{ type: 'integer' }, decimal(9, 2), 7, '7.00'],
    [{ type: 'number' }, decimal(9, 2), 0.125, '0.125'],
    [decimal(), { type: 'integer' }, '7', 7],
    [decimal(), { type: 'number' }, '7.00', '7.00'],
    [decimal(9, 2), { type: 'number' }, '7.00', 7],
    [decimal(9, 2), { type: 'integer' }, '100.00', 100],
    [decimal(9, 2), decimal(12, 4), '1.50', '1.5000'],
    [decimal(12, 4), decimal(9, 2), '1.5000', '1.50'],
    [decimal(12, 4), decimal(9, 2), '1.5001', '1.5001'],
    [decimal(12, 4), decimal(9, 0), '100.0000', '100'],
    [{ ...T, format: 'date' }, { ...T, format: 'date-time' }, '2024-05-31', '2024-05-31T00:00:00Z'],
    [{ ...T, format: 'date' }, { ...T, format: 'date-time-local' }, '2024-05-31', '2024-05-31T00:00:00'],
    [{ ...T, format: 'date-time' }, { ...T, format: 'date' }, '2024-05-31T00:00:00Z', '2024-05-31'],
    [{ ...T, format: 'date-time' }, { ...T, format: 'date' }, '2024-05-31T10:00:00Z', '2024-05-31T10:00:00Z'],
    [{ ...T, format: 'date-time' }, { ...T, format: 'date-time-local' }, '2024-05-31T10:00:00.5Z', '2024-05-31T10:00:00.5'],
    [{ ...T, format: 'uuid' }, T, '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'],
    [{ type: 'integer' }, {}, 7, 7],
    [{}, T, 7, 7],
    [{}, { type: 'integer' }, '7', '7'],
    [T, { type: 'integer' }, null, null],
  ])('from %j to %j: %j is %j', (before, after, value, expected) => {
    expect(future(closed({ a: before }), closed({ a: after }), { a: value })).toEqual({ a: expected });
  });
});
