import { DayCounts } from './day-counts.js';

const MIDNIGHT = Date.UTC(2024, 1, 29);

/** Counts with a clock that stands until it is told. */
function countsAt(quota: number, sinceMidnight: number) {
  const clock = { ms: MIDNIGHT + sinceMidnight };
  return { clock, counts: new DayCounts({ quota, now: () => clock.ms }) };
}

describe('the count of a day', () => {
  it('refuses beyond its quota, until midnight', () => {
    const { clock, counts } = countsAt(2, 86_398_500);
    const taken = Array.from({ length: 3 }, () => counts.take('a'));
    expect(taken.map(({ granted, remaining, fullIn, nextIn }) => [granted, remaining, fullIn, nextIn])).toEqual([
      [true, 1, 2, 0],
      [true, 0, 2, 2],
      [false, 0, 2, 2],
    ]);
    clock.ms += 1_499;
    expect(counts.take('a')).toMatchObject({ granted: false, nextIn: 1 });
    clock.ms += 1;
    expect(counts.take('a')).toEqual({ granted: true, remaining: 1, fullIn: 86_400, nextIn: 0 });
  });

  it('is one for each name, and counts nothing that was refused', () => {
    const { counts } = countsAt(1, 0);
    expect(['a', 'b', 'a', 'b'].map((name) => counts.take(name).granted)).toEqual([true, true, false, false]);
    expect(counts.report()).toEqual({
      day: '2024-02-29',
      counts: [
        ['a', 1],
        ['b', 1],
      ],
    });
  });

  it('holds what others have counted, and each of its own once', () => {
    const { counts } = countsAt(10, 0);
    for (let n = 0; n < 3; n++) counts.take('a');
    const report = counts.report();
    expect(report.counts).toEqual([['a', 3]]);
    // Meanwhile another one.
    expect(counts.take('a').remaining).toBe(6);
    counts.learn(report, [['a', 8]]);
    expect(counts.take('a').remaining).toBe(0);
    expect(counts.take('a').granted).toBe(false);
    expect(counts.report().counts).toEqual([['a', 2]]);
    expect(counts.report().counts).toEqual([]);
  });

  it('loses nothing when it could not be told', () => {
    const { counts } = countsAt(3, 0);
    counts.take('a');
    const lost = counts.report();
    counts.take('a');
    counts.keep(lost);
    expect(counts.take('a').remaining).toBe(0);
    expect(counts.report().counts).toEqual([['a', 3]]);
  });

  it('takes nothing of one day into the next', () => {
    const { clock, counts } = countsAt(2, 86_399_999);
    counts.take('a');
    const late = counts.report();
    clock.ms += 1;
    expect(counts.take('a').remaining).toBe(1);
    counts.learn(late, [['a', 2]]);
    counts.keep(late);
    expect(counts.take('a')).toMatchObject({ granted: true, remaining: 0 });
    expect(counts.report()).toEqual({ day: '2024-03-01', counts: [['a', 2]] });
  });
});
