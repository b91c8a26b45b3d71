import { NO_COUNTS, type Ring, type RingCounts, type Rollout, type RolloutStatus, sumOf } from './rollout.js';

/** A rollout as it is answered: where it stands, how far it is, and how long it may take. */
export interface RolloutView {
  readonly id: string;
  readonly pack: string;
  readonly version: string;
  readonly status: RolloutStatus;
  /** Why it is paused, and what to do. */
  readonly reason: string | null;
  /** The ring at hand, from 1. */
  readonly ring: number;
  readonly rings: readonly (Ring & { readonly total: number; readonly counts: RingCounts })[];
  readonly total: number;
  readonly counts: RingCounts;
  /** Of the tenants of all rings, those that nobody works on any more: 0 to 100, whole. */
  readonly percent: number;
  readonly concurrency: number;
  readonly allow: readonly string[];
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly finishedAt: Date | null;
  /** Since it was created, until it was finished. */
  readonly elapsedSeconds: number;
  /** As long as the latest tenants took on average; null before the first is done, and unless it is running. */
  readonly estimatedRemainingSeconds: number | null;
}

export function rolloutView(
  rollout: Rollout,
  counts: ReadonlyMap<number, RingCounts>,
  secondsPerTenant: number | null,
  now = new Date(),
): RolloutView {
  const { id, pack, version, status, reason, ring, rings, concurrency, allow, createdAt, createdBy, finishedAt } = rollout;
  const sum = sumOf(counts.values());
  const total = totalOf(sum);
  const left = sum.pending + sum.running;
  const isEstimated = status === 'running' && secondsPerTenant !== null;
  return {
    ...{ id, pack, version, status, reason, ring: ring + 1 },
    rings: rings.map((one, index) => {
      const own = counts.get(index) ?? NO_COUNTS;
      return { ...one, total: totalOf(own), counts: own };
    }),
    ...{ total, counts: sum, percent: total === 0 ? 100 : Math.floor((100 * (total - left)) / total) },
    ...{ concurrency, allow, createdAt, createdBy, finishedAt },
    elapsedSeconds: Math.round(((finishedAt ?? now).getTime() - createdAt.getTime()) / 1_000),
    estimatedRemainingSeconds: isEstimated ? Math.ceil((left * secondsPerTenant) / Math.max(1, sum.running)) : null,
  };
}

function totalOf(counts: RingCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
