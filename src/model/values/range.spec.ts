import { RANGE_TYPES, type Range, readRange, writeRange } from './range.js';

describe('readRange', () => {
  it.each([
    ...['', ' ', 'EMPTY', 'empty ', '[1]', '[1;2)', '1,2', '[1,2', '1,2)', '{1,2}', '[1,2,3)', '[[1,2)', '[1,2))', '[1,2)\n'],
    ...['["1",2)', '[(1,2)'],
  ])('refuses %j', (text) => {
    expect(readRange(text)).toBeNull();
  });

  it.each<[string, Range]>([
    ['empty', 'empty'],
    ['[1,2)', { lower: '1', upper: '2', withLower: true, withUpper: false }],
    ['(a b,c]', { lower: 'a b', upper: 'c', withLower: false, withUpper: true }],
    ['[,2]', { lower: null, upper: '2', withLower: true, withUpper: true }],
    ['(,)', { lower: null, upper: null, withLower: false, withUpper: false }],
  ])('takes %j apart, and writeRange puts it together', (text, range) => {
    expect(readRange(text)).toEqual(range);
    expect(writeRange(range)).toBe(text);
  });

  it('is linear: a long text takes no time', () => {
    const begin = process.cpuUsage();
    for (const text of ['['.repeat(100_000), `[${'1'.repeat(100_000)}`, `[${','.repeat(100_000)})`]) {
      expect(readRange(text)).toBeNull();
    }
    expect(process.cpuUsage(begin).user).toBeLessThan(1_000_000);
  });
});

it('knows the types of Postgres', () => {
  expect(RANGE_TYPES).toEqual(['int8range', 'numrange', 'daterange', 'tsrange', 'tstzrange']);
});
