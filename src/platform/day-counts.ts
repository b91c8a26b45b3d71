import type { Allowance } from './token-buckets.js';

/**
 * How often each of many has done something today (UTC), here and wherever else it is counted. What others have counted is learned
 * now and then, so that together they grant a little more than the quota: what they take before they have heard of each other.
 */

export interface DayQuota {
  readonly quota: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Granted here and not told to anybody yet, of one day. */
export interface DayReport {
  /** `2026-01-31`. */
  readonly day: string;
  readonly counts: readonly (readonly [name: string, count: number])[];
}

interface Count {
  /** Of all, as far as it was heard. */
  told: number;
  /** Of here, on its way to the others. */
  underway: number;
  /** Of here, since. */
  own: number;
}

const DAY_MS = 86_400_000;

export class DayCounts {
  private readonly counts = new Map<string, Count>();
  private readonly quota: number;
  private readonly now: () => number;
  private current: string;

  constructor({ quota, now }: DayQuota) {
    this.quota = quota;
    this.now = now ?? Date.now;
    this.current = dayOf(this.now());
  }

  /** Counts one if there is one left. */
  take(name: string): Allowance {
    const now = this.now();
    this.turnTo(dayOf(now));
    const count = this.of(name);
    const left = this.quota - count.told - count.underway - count.own;
    const granted = left > 0;
    if (granted) count.own += 1;
    const remaining = Math.max(0, granted ? left - 1 : left);
    const fullIn = Math.ceil((DAY_MS - (now % DAY_MS)) / 1000);
    return { granted, remaining, fullIn, nextIn: remaining > 0 ? 0 : fullIn };
  }

  /** To be answered with `learn`, or with `keep` when it has reached nobody. */
  report(): DayReport {
    this.turnTo(dayOf(this.now()));
    const counts: [string, number][] = [];
    for (const [name, count] of this.counts) {
      if (count.own === 0) continue;
      counts.push([name, count.own]);
      count.underway += count.own;
      count.own = 0;
    }
    return { day: this.current, counts };
  }

  /** What all have counted together, this report included. */
  learn({ day, counts }: DayReport, totals: Iterable<readonly [name: string, count: number]>): void {
    if (day !== this.current) return;
    for (const [name, sent] of counts) this.of(name).underway -= sent;
    for (const [name, total] of totals) this.of(name).told = total;
  }

  keep({ day, counts }: DayReport): void {
    if (day !== this.current) return;
    for (const [name, sent] of counts) {
      const count = this.of(name);
      count.underway -= sent;
      count.own += sent;
    }
  }

  private of(name: string): Count {
    const known = this.counts.get(name);
    if (known) return known;
    const count = { told: 0, underway: 0, own: 0 };
    this.counts.set(name, count);
    return count;
  }

  /** With the day everything ends that was counted of it. */
  private turnTo(day: string): void {
    if (day === this.current) return;
    this.current = day;
    this.counts.clear();
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
