import type { RangeType } from '../entity.js';
import { canonicalRange } from './canonical-range.js';
import { type Range, readRange, writeRange } from './range.js';

const canonical = (type: RangeType, text: string) => {
  const range = canonicalRange(type, readRange(text) as Range);
  return range && writeRange(range);
};

describe('canonicalRange', () => {
  it.each<[RangeType, string]>([
    ['int8range', '[5,4]'],
    ['int8range', '(5,4)'],
    ['numrange', '[1.5,1.49]'],
    ['numrange', '[-1,-1.01]'],
    ['daterange', '[2024-01-02,2024-01-01)'],
    ['tsrange', '[2024-01-01T00:00:00.5,2024-01-01T00:00:00)'],
    ['tstzrange', '[2024-01-01T00:00:00Z,2024-01-01T00:30:00+01:00)'],
  ])('has none of %s %s, whose lower bound is above the upper', (type, text) => {
    expect(canonical(type, text)).toBeUndefined();
  });

  it.each<[RangeType, string, string]>([
    ['int8range', 'empty', 'empty'],
    ['int8range', '[1,5]', '[1,6)'],
    ['int8range', '(1,5)', '[2,5)'],
    ['int8range', '(1,2)', 'empty'],
    ['int8range', '[5,5]', '[5,6)'],
    ['int8range', '[5,5)', 'empty'],
    ['int8range', '(5,5]', 'empty'],
    ['int8range', '[,5]', '(,6)'],
    ['int8range', '[,]', '(,)'],
    ['int8range', '(5,]', '[6,)'],
    ['int8range', '(9223372036854775806,9223372036854775807)', 'empty'],
    ['numrange', '[1.50,2]', '[1.50,2]'],
    ['numrange', '[01,1.0]', '[1,1.0]'],
    ['numrange', '(1,1.0]', 'empty'],
    ['numrange', '[,]', '(,)'],
    ['daterange', '[2024-02-28,2024-02-28]', '[2024-02-28,2024-02-29)'],
    ['daterange', '(2024-02-28,2024-02-29)', 'empty'],
    ['tsrange', '(2024-01-01T00:00:00,2024-01-01t00:00:00.50]', '(2024-01-01T00:00:00,2024-01-01T00:00:00.5]'],
    ['tstzrange', '[2024-01-01T00:00:00Z,2024-01-01T01:00:00+01:00)', 'empty'],
    ['tstzrange', '[2024-01-01T01:00:00+01:00,]', '[2024-01-01T00:00:00Z,)'],
  ])('of %s %s is %s', (type, text, expected) => {
    expect(canonical(type, text)).toBe(expected);
    expect(canonical(type, expected)).toBe(expected);
  });
});
