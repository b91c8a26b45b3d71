import { canonicalBound, compareBounds, successor } from './bounds.js';
import type { BoundType } from './range.js';

describe('canonicalBound', () => {
  it.each<[BoundType, string, string]>([
    ['bigint', '-9223372036854775808', '-9223372036854775808'],
    ['bigint', '+007', '7'],
    ['numeric', '007.50', '7.50'],
    ['numeric', '-0.00', '0.00'],
    ['numeric', '-00.5', '-0.5'],
    ['numeric', '+.5', '0.5'],
    ['numeric', '1.', '1'],
    ['numeric', '000', '0'],
    ['date', '2024-02-29', '2024-02-29'],
    ['timestamp', '2024-02-29t10:00:00.500', '2024-02-29T10:00:00.5'],
    ['timestamp', '2024-02-29T10:00:00.000', '2024-02-29T10:00:00'],
    ['timestamptz', '2024-03-01T00:30:00.120+01:00', '2024-02-29T23:30:00.12Z'],
    ['timestamptz', '2024-12-31T23:59:59z', '2024-12-31T23:59:59Z'],
  ])('of %s %s', (type, text, canonical) => {
    expect(canonicalBound(type, text)).toBe(canonical);
    expect(canonicalBound(type, canonical)).toBe(canonical);
  });
});

describe('compareBounds', () => {
  it.each<[BoundType, string[]]>([
    ['bigint', ['-9223372036854775808', '-10', '-9', '0', '9', '10', '9223372036854775807']],
    ['numeric', ['-10.5', '-10', '-9.99', '-0.001', '0', '0.0000001', '0.1', '0.25', '1', '9.99', '10', '10.01']],
    ['date', ['0001-01-01', '2023-12-31', '2024-01-01', '9999-12-31']],
    ['timestamp', ['2024-01-01T00:00:00', '2024-01-01T00:00:00.000001', '2024-01-01T00:00:00.1', '2024-01-01T00:00:01']],
    ['timestamptz', ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.000001Z', '2024-01-01T00:00:00.1Z', '2024-01-01T00:00:01Z']],
  ])('sorts each %s', (type, sorted) => {
    for (const [i, a] of sorted.entries()) {
      for (const [j, b] of sorted.entries()) {
        expect([a, b, Math.sign(compareBounds(type, a, b))]).toEqual([a, b, Math.sign(i - j)]);
      }
    }
  });

  it('takes zeros at the end of a fraction for nothing', () => {
    expect(compareBounds('numeric', '1', '1.000')).toBe(0);
    expect(compareBounds('numeric', '-1.50', '-1.5')).toBe(0);
  });

  it('of very long decimals takes no time', () => {
    const begin = process.cpuUsage();
    const zeros = '0'.repeat(100_000);
    expect(compareBounds('numeric', `0.${zeros}1`, `0.${zeros}2`)).toBe(-1);
    expect(compareBounds('numeric', `9${zeros}`, `8${zeros}`)).toBe(1);
    expect(canonicalBound('timestamp', `2024-01-01T00:00:00.${zeros}1`)).toHaveLength(20 + zeros.length + 1);
    expect(process.cpuUsage(begin).user).toBeLessThan(1_000_000);
  });
});

describe('successor', () => {
  it.each<[BoundType, string, string | undefined]>([
    ['bigint', '-1', '0'],
    ['bigint', '9223372036854775807', '9223372036854775808'],
    ['date', '2024-02-28', '2024-02-29'],
    ['date', '2023-02-28', '2023-03-01'],
    ['date', '0001-12-31', '0002-01-01'],
    ['date', '9999-12-31', '10000-01-01'],
    ['numeric', '1', undefined],
    ['timestamp', '2024-01-01T00:00:00', undefined],
  ])('of %s %s', (type, bound, next) => {
    expect(successor(type, bound)).toBe(next);
  });
});
