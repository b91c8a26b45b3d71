import { randomFew } from './random-bytes.js';

/** Of the last one made now: no later one sorts before it. */
let lastTime = 0;
let lastCount = 0;

/**
 * A uuid of version 7 (RFC 9562): 48 bits of milliseconds, then random. What this process makes now sorts in the order of its
 * making, so that the records of one request stay in theirs: 12 bits count within a millisecond from a random start, and what
 * does not fit borrows from the next (§6.2, method 1).
 * @param time milliseconds; not now, it is random alone
 */
export function uuidV7(time?: number): string {
  const random = randomFew(10).toString('hex');
  if (time !== undefined) return assembled(time, Number.parseInt(random.slice(0, 3), 16), random);
  const now = Date.now();
  if (now > lastTime || lastCount === 0xfff) {
    lastTime = Math.max(now, lastTime + 1);
    lastCount = Number.parseInt(random.slice(0, 3), 16) & 0x7ff;
  } else {
    lastCount++;
  }
  return assembled(lastTime, lastCount, random);
}

function assembled(time: number, count: number, random: string): string {
  const [start, middle] = [time.toString(16).padStart(12, '0'), count.toString(16).padStart(3, '0')];
  const variant = (8 + (Number.parseInt(random[3] as string, 16) & 3)).toString(16);
  return `${start.slice(0, 8)}-${start.slice(8)}-7${middle}-${variant}${random.slice(4, 7)}-${random.slice(8)}`;
}

/**
 * `count` consecutive uuids of version 7: 42 random bits, then a counter of 32 (RFC 9562 §6.2, method 1). Their first and
 * last name all of them.
 */
export function uuidV7Range(count: number, time = Date.now()): { first: string; last: string; ids: readonly string[] } {
  const prefix = uuidV7(time).slice(0, 28);
  const ids = Array.from({ length: count }, (_, index) => prefix + index.toString(16).padStart(8, '0'));
  return { first: ids[0] as string, last: ids[count - 1] as string, ids };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}
