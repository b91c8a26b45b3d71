import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(4096);
let next = pool.length;

/** A uuid of version 7 (RFC 9562): 48 bits of milliseconds, then random. Sorts by creation time, counts nothing. */
export function uuidV7(now = Date.now()): string {
  if (next + 10 > pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const random = pool.toString('hex', next, next + 10);
  next += 10;
  const time = now.toString(16).padStart(12, '0');
  const variant = (8 + (Number.parseInt(random[3] as string, 16) & 3)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(8)}`;
}

/**
 * `count` consecutive uuids of version 7: 42 random bits, then a counter of 32 (RFC 9562 §6.2, method 1). Their first and
 * last name all of them.
 */
export function uuidV7Range(count: number, now = Date.now()): { first: string; last: string; ids: readonly string[] } {
  const prefix = uuidV7(now).slice(0, 28);
  const ids = Array.from({ length: count }, (_, index) => prefix + index.toString(16).padStart(8, '0'));
  return { first: ids[0] as string, last: ids[count - 1] as string, ids };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}
