import fc from 'fast-check';
import { FairAdmission, type RefusalReason, shareOf } from './fair-admission.js';

const turnOver = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function admissionOf(options: { places: number; share: number; queue?: number; patienceMs?: number }) {
  const refusal = (reason: RefusalReason) => new Error(reason);
  return new FairAdmission({ queue: 1_000, patienceMs: 60_000, refusal, ...options });
}

/** Enters, and notes the order in which places were had. */
function entering(admission: FairAdmission) {
  const order: string[] = [];
  const refusals: string[] = [];
  const enter = (tenant: string, label = tenant): void => {
    const turn = admission.enter(tenant);
    if (turn === null) order.push(label);
    else
      turn.then(
        () => order.push(label),
        (error: Error) => refusals.push(`${label}: ${error.message}`),
      );
  };
  return { order, refusals, enter };
}

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('admission', () => {
  it('refuses more than may wait, at once', async () => {
    const admission = admissionOf({ places: 2, share: 1, queue: 2 });
    const { order, refusals, enter } = entering(admission);
    for (const label of ['a1', 'a2', 'a3', 'a4']) enter('a', label);
    await turnOver();
    expect([order, refusals, admission.waiting]).toEqual([['a1'], ['a4: queue-full'], 2]);
    for (let n = 0; n < 3; n++) {
      admission.leave('a');
      await turnOver();
    }
    expect(order).toEqual(['a1', 'a2', 'a3']);
  });

  it('refuses who has waited too long, and says for whom', async () => {
    const admission = admissionOf({ places: 2, share: 1, patienceMs: 20 });
    const { order, refusals, enter } = entering(admission);
    for (const tenant of ['a', 'b', 'a', 'c']) enter(tenant);
    jest.advanceTimersByTime(19);
    expect(admission.waiting).toBe(2);
    jest.advanceTimersByTime(1);
    await turnOver();
    expect([order, refusals, admission.waiting]).toEqual([['a', 'b'], ['a: share-taken', 'c: places-taken'], 0]);
    admission.leave('a');
    expect([admission.enter('c'), admission.enter('b')]).toEqual([null, expect.any(Promise)]);
  });

  it('refuses to take back what nobody holds', () => {
    const admission = admissionOf({ places: 2, share: 1 });
    expect(() => admission.leave('a')).toThrow('a place was given back that nobody held');
    expect(admission.enter('a')).toBeNull();
    admission.leave('a');
    expect(() => admission.leave('a')).toThrow('a place was given back that nobody held');
  });

  it('leaves room for the next one to come, however many want everything', () => {
    const admission = admissionOf({ places: 100, share: 80 });
    const held = ['a', 'b', 'c', 'd'].map((tenant) => {
      let places = 0;
      while (admission.enter(tenant) === null) places += 1;
      return places;
    });
    expect(held).toEqual([80, 16, 4, 0]);
    const all = admissionOf({ places: 2, share: 2 });
    expect([all.enter('a'), all.enter('a'), all.enter('b')]).toEqual([null, null, expect.any(Promise)]);
  });

  it('serves the queues in turn, and each in order of arrival', async () => {
    const admission = admissionOf({ places: 1, share: 1 });
    const { order, enter } = entering(admission);
    for (const label of ['a1', 'a2', 'a3', 'b1', 'b2', 'c1']) enter(label.charAt(0), label);
    for (let n = 0; n < 6; n++) {
      await turnOver();
      admission.leave(order.at(-1)!.charAt(0));
    }
    expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  });

  // Any order of arriving and leaving, by four tenants of which the first wants most.
  const steps = fc.array(fc.record({ arrives: fc.boolean(), which: fc.constantFrom('a', 'a', 'a', 'a', 'b', 'b', 'c', 'd') }), {
    maxLength: 300,
  });
  const sizes = fc
    .integer({ min: 1, max: 20 })
    .chain((places) => fc.tuple(fc.constant(places), fc.integer({ min: 1, max: places })));

  it('keeps to share, places and order, starves nobody and leaves no place idle that somebody may have', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, steps, async ([places, share], moves) => {
        const admission = admissionOf({ places, share });
        const held = new Map<string, number>();
        const admitted = new Map<string, number[]>();
        const arrivals = new Map<string, number>();
        const count = (of: Map<string, number>, tenant: string, by: number) => of.set(tenant, (of.get(tenant) ?? 0) + by);
        const all = (of: Map<string, number>) => [...of.values()].reduce((sum, one) => sum + one, 0);
        const admit = (tenant: string, number: number): void => {
          count(held, tenant, 1);
          admitted.set(tenant, [...(admitted.get(tenant) ?? []), number]);
        };
        const waits = (tenant: string) => (arrivals.get(tenant) ?? 0) - (admitted.get(tenant)?.length ?? 0);
        const check = (): void => {
          const free = places - all(held);
          expect(free).toBeGreaterThanOrEqual(0);
          for (const tenant of arrivals.keys()) {
            const mine = held.get(tenant) ?? 0;
            expect(mine).toBeLessThanOrEqual(share);
            expect(admitted.get(tenant) ?? []).toEqual(Array.from({ length: admitted.get(tenant)?.length ?? 0 }, (_, n) => n));
            // Who holds nothing waits only while there is nothing.
            if (waits(tenant) > 0 && mine === 0) expect(free).toBe(0);
          }
          expect(admission.waiting).toBe(all(arrivals) - [...admitted.values()].flat().length);
        };
        const leave = async (tenant: string): Promise<void> => {
          count(held, tenant, -1);
          admission.leave(tenant);
          await Promise.resolve().then(() => {});
        };
        for (const { arrives, which } of moves) {
          if (arrives) {
            const number = arrivals.get(which) ?? 0;
            count(arrivals, which, 1);
            const turn = admission.enter(which);
            if (turn === null) admit(which, number);
            else void turn.then(() => admit(which, number));
          } else if ((held.get(which) ?? 0) > 0) await leave(which);
          check();
        }
        // Whoever came is served once the others leave: at most one round of the others' places each.
        while (all(held) > 0) await leave([...held].find(([, places]) => places > 0)![0]);
        expect([...arrivals.keys()].filter((tenant) => waits(tenant) > 0)).toEqual([]);
        expect(admission.waiting).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    [1, 80, 1],
    [2, 80, 1],
    [3, 80, 2],
    [5, 80, 4],
    [10, 80, 8],
    [100, 80, 80],
    [100, 99, 99],
    [2, 1, 1],
    [2, 100, 2],
    [10, 99, 9],
  ])('of %d places, %d percent are %d', (places, percent, share) => {
    expect(shareOf(places, percent)).toBe(share);
  });
});
