import { contentRange } from './content-range.js';

describe('contentRange', () => {
  test.each([
    [0, 20, 41, '0-19/41'],
    [40, 1, 41, '40-40/41'],
    [0, 20, null, '0-19/*'],
    [0, 0, 0, '*/0'],
    [50, 0, 41, '*/41'],
    [0, 0, null, '*/*'],
  ])('from %d, %d rows of %p: %s', (offset, returned, total, text) => {
    expect(contentRange(offset, returned, total)).toBe(text);
  });
});
