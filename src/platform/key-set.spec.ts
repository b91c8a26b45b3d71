import fc from 'fast-check';
import { KeyMemory, KeySet } from './key-set.js';

const hashes = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** Those that begin at the same place. */
const crowded = fc.integer({ min: -1_000, max: 1_000 }).map((high) => (BigInt(high) << 32n) + 7n);

describe('a set of hashes', () => {
  it('holds what was added, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(hashes, crowded), { maxLength: 3_000 }), fc.array(hashes), (added, others) => {
        const set = new KeySet(new KeyMemory(1 << 20));
        const known = new Set<bigint>();
        for (const hash of added) {
          expect(set.has(hash)).toBe(known.has(hash));
          expect(set.add(hash)).toBe(true);
          known.add(hash);
        }
        for (const hash of [...added, ...others]) expect(set.has(hash)).toBe(known.has(hash));
      }),
      { numRuns: 30 },
    );
  });

  it('grows to a hundred thousand, the ends of the range included', () => {
    const set = new KeySet(new KeyMemory(1 << 20));
    const edges = [2n ** 63n - 1n, -(2n ** 63n), -1n, 2n ** 32n, 2n ** 31n];
    for (const edge of edges) set.add(edge);
    const hash = (n: number): bigint => BigInt.asIntN(64, BigInt(n) * 0x9e3779b97f4a7c15n);
    for (let n = 1; n <= 100_000; n++) set.add(hash(n));
    expect(edges.every((edge) => set.has(edge))).toBe(true);
    let found = 0;
    for (let n = 1; n <= 200_000; n++) if (set.has(hash(n))) found += 1;
    expect(found).toBe(100_000);
  });

  it('says so when its memory is used up, keeps what it has, and gives back what others then take', () => {
    const memory = new KeyMemory(2_048);
    const [first, second] = [new KeySet(memory), new KeySet(memory)];
    let held = 0;
    while (first.add(BigInt(held + 1))) held += 1;
    expect(held).toBe(Math.floor(2_048 * 0.7));
    expect([first.has(1n), first.has(BigInt(held)), first.has(BigInt(held + 1))]).toEqual([true, true, false]);
    expect(second.add(1n)).toBe(false);
    first.clear();
    expect([first.has(1n), second.add(1n), second.has(1n)]).toEqual([false, true, true]);
  });
});
