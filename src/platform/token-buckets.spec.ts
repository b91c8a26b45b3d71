import fc from 'fast-check';
import { TokenBuckets } from './token-buckets.js';

/** Buckets with a clock that stands until it is told. */
function bucketsAt(burst: number, seconds: number) {
  const clock = { ms: 1_000 };
  return { clock, buckets: new TokenBuckets({ burst, seconds, now: () => clock.ms }) };
}

describe('a token bucket', () => {
  it('refuses when it is empty, and says until when', () => {
    const { clock, buckets } = bucketsAt(4, 8);
    const taken = Array.from({ length: 5 }, () => buckets.take('a'));
    expect(taken.map(({ granted, remaining, fullIn, nextIn }) => [granted, remaining, fullIn, nextIn])).toEqual([
      [true, 3, 2, 0],
      [true, 2, 4, 0],
      [true, 1, 6, 0],
      [true, 0, 8, 2],
      [false, 0, 8, 2],
    ]);
    clock.ms += 1_999;
    expect(buckets.take('a').granted).toBe(false);
    clock.ms += 1;
    expect(buckets.take('a').granted).toBe(true);
  });

  it('is refused nothing for what was refused', () => {
    const { clock, buckets } = bucketsAt(1, 1);
    buckets.take('a');
    for (let n = 0; n < 100; n++) expect(buckets.take('a').granted).toBe(false);
    clock.ms += 1_000;
    expect(buckets.take('a').granted).toBe(true);
  });

  it('is looked at without a token being taken', () => {
    const { clock, buckets } = bucketsAt(2, 2);
    for (let n = 0; n < 10; n++) expect(buckets.look('a')).toEqual({ granted: true, remaining: 2, fullIn: 0, nextIn: 0 });
    buckets.take('a');
    buckets.take('a');
    expect(buckets.look('a')).toEqual({ granted: false, remaining: 0, fullIn: 2, nextIn: 1 });
    clock.ms += 1_000;
    expect(buckets.look('a').granted).toBe(true);
  });

  it('is one for each name', () => {
    const { buckets } = bucketsAt(1, 1);
    expect(['a', 'b', 'a', 'b'].map((name) => buckets.take(name).granted)).toEqual([true, true, false, false]);
  });

  it('grants never more than the burst and what came since, and whoever waits as told', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }),
        (burst, seconds, pauses) => {
          const { clock, buckets } = bucketsAt(burst, seconds);
          const start = clock.ms;
          let granted = 0;
          for (const pause of pauses) {
            clock.ms += pause;
            const allowance = buckets.take('a');
            if (allowance.granted) granted += 1;
            expect(granted).toBeLessThanOrEqual(burst + ((clock.ms - start) / 1000) * (burst / seconds) + 1e-3);
            expect(allowance.fullIn).toBeLessThanOrEqual(seconds);
            expect(allowance.nextIn > 0).toBe(allowance.remaining === 0);
          }
          const { nextIn } = buckets.take('a');
          clock.ms += nextIn * 1000;
          expect(buckets.take('a').granted).toBe(true);
        },
      ),
    );
  });

  it('remembers so many names and no more', () => {
    const { buckets } = bucketsAt(1, 3_600);
    for (let n = 0; n < 50_001; n++) buckets.take(`name-${n}`);
    expect([buckets.take('name-0').granted, buckets.take('name-50000').granted]).toEqual([true, false]);
  });
});
