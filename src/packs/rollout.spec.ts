import { type Candidate, NO_COUNTS, nextMove, type RingCounts, ringsOf, sumOf } from './rollout.js';

const candidates = (count: number): Candidate[] => Array.from({ length: count }, (_, i) => ({ id: `id-${i}`, slug: `t${i}` }));

/** Ids by ring. */
function shape(rings: ReadonlyMap<string, number>): Record<number, number> {
  const sizes: Record<number, number> = {};
  for (const ring of rings.values()) sizes[ring] = (sizes[ring] ?? 0) + 1;
  return sizes;
}

describe('rings', () => {
  it('leave out whom no ring takes', () => {
    expect(shape(ringsOf([{ percent: 50 }], candidates(10)))).toEqual({ 0: 5 });
    expect(shape(ringsOf([{ tenants: ['t1'] }], candidates(10)))).toEqual({ 0: 1 });
    expect(ringsOf([{ all: true }], [])).toEqual(new Map());
  });

  it('take nobody twice, and percents count those of the rings before', () => {
    const rings = ringsOf([{ tenants: ['t7', 'ID-8'] }, { percent: 50 }, { percent: 10 }, { all: true }], candidates(10));
    expect(shape(rings)).toEqual({ 0: 2, 1: 3, 3: 5 });
    expect([rings.get('id-7'), rings.get('id-8'), rings.get('id-0'), rings.get('id-9')]).toEqual([0, 0, 1, 3]);
  });

  it('take at least one tenant for a percent', () => {
    expect(shape(ringsOf([{ percent: 1 }, { all: true }], candidates(3)))).toEqual({ 0: 1, 1: 2 });
  });
});

describe('the next move', () => {
  const counts = (...rings: [number, Partial<RingCounts>][]) => new Map(rings.map(([i, some]) => [i, { ...NO_COUNTS, ...some }]));

  it('is none while somebody works in this ring or one before', () => {
    expect(nextMove(0, counts([0, { done: 9, running: 1 }], [1, { pending: 5 }]))).toEqual({ to: 'wait' });
    expect(nextMove(1, counts([0, { pending: 1 }], [1, { done: 5 }]))).toEqual({ to: 'wait' });
  });

  it('is a pause before the next ring when a tenant of this one failed, but not when it was the last', () => {
    const move = nextMove(0, counts([0, { done: 9, failed: 1 }], [1, { pending: 5 }]));
    expect(move).toMatchObject({ to: 'pause', reason: expect.stringContaining('1 of 10 tenants of ring 1 failed') });
    expect(nextMove(1, counts([0, { done: 9 }], [1, { failed: 5 }]))).toEqual({ to: 'done' });
  });

  it('is the next ring that has tenants; who is suspended holds up nobody', () => {
    expect(nextMove(0, counts([0, { done: 1, suspended: 2 }], [3, { pending: 5 }]))).toEqual({ to: 'ring', ring: 3 });
    expect(nextMove(1, counts([0, { failed: 1 }], [1, { done: 2 }], [2, { pending: 1 }]))).toEqual({ to: 'ring', ring: 2 });
    expect(nextMove(0, counts([0, { skipped: 1 }]))).toEqual({ to: 'done' });
  });
});

it('counts of rings add up', () => {
  expect(
    sumOf([
      { ...NO_COUNTS, done: 2 },
      { ...NO_COUNTS, done: 1, failed: 1 },
    ]),
  ).toEqual({ ...NO_COUNTS, done: 3, failed: 1 });
});
