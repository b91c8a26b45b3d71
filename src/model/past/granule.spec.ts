import { granuleEnd } from './granule.js';

const end = (instant: string, days: number | null) => granuleEnd(new Date(instant), days).toISOString();

describe('the end of a partition', () => {
  it.each<[string, number | null, string]>([
    ['2026-11-21T19:00:00Z', 7, '2026-11-22T00:00:00.000Z'],
    ['2026-12-31T23:59:59.999Z', 1, '2027-01-01T00:00:00.000Z'],
    // A Saturday, a Sunday and a Monday.
    ['2026-11-21T19:00:00Z', 30, '2026-11-23T00:00:00.000Z'],
    ['2026-11-22T23:59:59Z', 30, '2026-11-23T00:00:00.000Z'],
    ['2026-11-23T00:00:00Z', 30, '2026-11-30T00:00:00.000Z'],
    ['2026-12-30T12:00:00Z', 90, '2027-01-04T00:00:00.000Z'],
    ['2026-11-21T19:00:00Z', 365, '2026-12-01T00:00:00.000Z'],
    ['2026-12-01T00:00:00Z', null, '2027-01-01T00:00:00.000Z'],
  ])('of %s with %s days', (instant, days, expected) => expect(end(instant, days)).toBe(expected));

  it('is always later than the instant, whatever is kept', () => {
    for (let day = 0; day < 400; day++) {
      const instant = new Date(Date.UTC(2026, 0, day));
      for (const days of [1, 30, null]) expect(granuleEnd(instant, days).getTime()).toBeGreaterThan(instant.getTime());
    }
  });
});
