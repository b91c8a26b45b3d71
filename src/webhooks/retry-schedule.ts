/**
 * When a delivery that failed is tried again, and when a receiver that fails is left alone for a while. A delivery has twelve
 * attempts in a day; then it is a dead letter.
 */

const [MINUTE, HOUR] = [60, 3_600];

/** Seconds before the second attempt, the third, and so on. */
const WAITS: readonly number[] = [
  ...[5, 30, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 10 * HOUR],
];

export const MOST_ATTEMPTS = WAITS.length + 1;

/** A receiver may ask for as much patience, seconds. */
const LONGEST_RETRY_AFTER = 6 * HOUR;

/** So many failures in a row, and events wait in the trail instead of failing one after the other. */
export const FAILURES_TO_PAUSE = 5;

const [FIRST_PAUSE, LONGEST_PAUSE] = [10, 15 * MINUTE];

/**
 * Seconds until the next attempt; null: that was the last.
 * @param tries attempts so far @param retryAfter seconds, as the receiver said @param random 0 to 1
 */
export function waitAfter(tries: number, retryAfter: number | null, random: number): number | null {
  const wait = WAITS[tries - 1];
  if (wait === undefined) return null;
  return Math.max(jittered(wait, random), Math.min(retryAfter ?? 0, LONGEST_RETRY_AFTER));
}

/** Seconds for which nothing at all is sent; null: no pause. @param failures in a row @param retryAfter as the last of them said */
export function pauseAfter(failures: number, retryAfter: number | null, random: number): number | null {
  const asked = Math.min(retryAfter ?? 0, LONGEST_PAUSE);
  if (failures === 0) return null;
  if (failures < FAILURES_TO_PAUSE) return asked > 0 ? asked : null;
  const pause = Math.min(FIRST_PAUSE * 2 ** Math.min(failures - FAILURES_TO_PAUSE, 20), LONGEST_PAUSE);
  return Math.max(jittered(pause, random), asked);
}

/** A fifth more or less, so that what failed together does not come together. */
function jittered(seconds: number, random: number): number {
  return seconds * (0.8 + 0.4 * random);
}
