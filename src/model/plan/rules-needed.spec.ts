import type { JsonObject } from '../../platform/json-value.js';
import { change, closed, open } from './plan.fixture.js';

const reads = (before: JsonObject, after: JsonObject) => change(before, after).kinds.includes('change-rules');
const T = { type: 'string' };

describe('every record is read', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['when a rule comes that SQL cannot say', closed({ a: T }), closed({ a: { ...T, pattern: '^a' } })],
    [
      'when a list of values stands where SQL cannot compare them',
      closed({ a: { ...T, format: 'date' } }),
      closed({ a: { ...T, format: 'date', enum: ['2020-01-31'] } }),
    ],
    ['when a new column holds more than its schema allows', closed({ a: T }), closed({ a: { type: ['integer', 'array'] } })],
    ['when an address has to be of one version', closed({ a: T }), closed({ a: { ...T, format: 'ipv6' } })],
    ['when an undeclared member is declared with a format of text', open({}), open({ a: { ...T, format: 'email' } })],
    ['when null goes and another type with it', closed({ a: {} }), closed({ a: { type: 'array' } })],
    ['when a removed property is required still', open({ 'a!': T }), open({}, { required: ['a'] })],
    [
      'when the entity counts its members, and one goes',
      closed({ a: T, b: T }, { minProperties: 1 }),
      closed({ a: T }, { minProperties: 1 }),
    ],
    [
      'when another member hangs on one that is renamed',
      closed({ a: T, b: T }, { dependentRequired: { b: ['a'] } }),
      closed({ c: { ...T, renamedFrom: 'a' }, b: T }, { dependentRequired: { b: ['a'] } }),
    ],
    [
      'when a default makes a member that the entity has rules on',
      closed({ a: T }, { maxProperties: 1 }),
      closed({ a: T, 'b!': { ...T, default: 'x' } }, { maxProperties: 1 }),
    ],
    ['when undeclared members may be one thing only', open({}), open({}, { additionalProperties: { type: 'integer' } })],
    [
      'when undeclared members are forbidden but for a pattern',
      open({}, { patternProperties: { '^x': T } }),
      closed({}, { patternProperties: { '^x': T } }),
    ],
    [
      'when nested values are records too',
      closed({ a: T, kids: { type: 'array', items: { $ref: '#' } } }),
      closed({ a: { ...T, maxLength: 3 }, kids: { type: 'array', items: { $ref: '#' } } }),
    ],
    [
      'when what a rule had evaluated is left over',
      closed({ a: { type: 'array', contains: T, unevaluatedItems: false } }),
      closed({ a: { type: 'array', unevaluatedItems: false } }),
    ],
  ])('%s', (_when, before, after) => {
    expect(reads(before, after)).toBe(true);
  });

  it.each<[string, JsonObject, JsonObject]>([
    [
      'when lengths, bounds and lists change',
      closed({ a: T, b: { type: 'integer' } }),
      closed({ a: { ...T, maxLength: 3, enum: ['a'] }, b: { type: 'integer', minimum: 0 } }),
    ],
    ['when one value of a list goes', closed({ a: { ...T, enum: ['a', 'b'] } }), closed({ a: { ...T, enum: ['a'] } })],
    ['when a rule goes', closed({ a: { ...T, pattern: '^a', not: { const: 'b' } } }), closed({ a: T })],
    [
      'when the column of the new type holds nothing else',
      closed({ a: T, b: T }),
      closed({ a: { ...T, format: 'uuid' }, b: { ...T, format: 'decimal', precision: 9, scale: 2 } }),
    ],
    [
      'when an undeclared member is declared as what a column holds',
      open({}),
      open({ a: { type: 'integer', minimum: 0, title: 'A', unique: true } }),
    ],
    [
      'when a property comes, goes or is renamed',
      closed({ a: T, b: T }),
      closed({ c: { ...T, renamedFrom: 'a' }, d: { ...T, pattern: '^d' } }),
    ],
    ['when undeclared members come or go', open({ a: T }), closed({ a: T })],
  ])('but not %s', (_when, before, after) => {
    expect(reads(before, after)).toBe(false);
  });
});
