import { FAILURES_TO_PAUSE, MOST_ATTEMPTS, pauseAfter, waitAfter } from './retry-schedule.js';

describe('a delivery that failed', () => {
  it('is tried twelve times in about a day, and then no more', () => {
    const waits = Array.from({ length: MOST_ATTEMPTS }, (_, n) => waitAfter(n + 1, null, 0.5));
    expect(waits.pop()).toBeNull();
    const hours = waits.reduce<number>((sum, wait) => sum + (wait as number), 0) / 3_600;
    expect([MOST_ATTEMPTS, Math.round(hours)]).toEqual([12, 24]);
    expect(waits).toEqual([...waits].sort((a, b) => (a as number) - (b as number)));
  });

  it('waits a fifth more or less, by chance', () => {
    expect(waitAfter(1, null, 0)).toBeCloseTo(4);
    expect(waitAfter(1, null, 1)).toBeCloseTo(6);
  });

  it('waits as long as the receiver asks, but not for ever, and never less than by itself', () => {
    expect([waitAfter(1, 600, 0), waitAfter(1, 1e9, 0), waitAfter(8, 1, 0)]).toEqual([600, 21_600, 5_760]);
  });
});

describe('a receiver', () => {
  it('that failed now and then is not paused, unless it asks for it', () => {
    expect([pauseAfter(0, 60, 0), pauseAfter(1, null, 0), pauseAfter(FAILURES_TO_PAUSE - 1, 0, 0)]).toEqual([null, null, null]);
    expect(pauseAfter(1, 60, 0)).toBe(60);
    expect(pauseAfter(1, 1e9, 0)).toBe(900);
  });

  it('that fails on and on is asked less and less, every quarter of an hour at least', () => {
    const pauses = [5, 6, 7, 10, 12, 1_000].map((failures) => pauseAfter(failures, null, 0.5));
    expect(pauses).toEqual([10, 20, 40, 320, 900, 900]);
  });
});
