/** What a rollout is made of, and how it goes from ring to ring. Pure. */

import { counted } from '../platform/counted.js';

export type RolloutStatus = 'running' | 'paused' | 'done' | 'cancelled';

/** `suspended`: caught up when the tenant is resumed. `skipped`: cancelled before its turn, or a later rollout took over. */
export const TENANT_STATUSES = ['pending', 'running', 'done', 'failed', 'suspended', 'skipped'] as const;

export type TenantRolloutStatus = (typeof TENANT_STATUSES)[number];

/** Exactly one member is there. */
export interface Ring {
  /** Ids or slugs. */
  readonly tenants?: readonly string[];
  /** Of all, with those of the rings before. */
  readonly percent?: number;
  readonly all?: true;
}

export interface Rollout {
  readonly id: string;
  readonly pack: string;
  readonly version: string;
  readonly rings: readonly Ring[];
  readonly concurrency: number;
  readonly allow: readonly string[];
  readonly status: RolloutStatus;
  /** The ring at hand, from 0. */
  readonly ring: number;
  /** Why it is paused. */
  readonly reason: string | null;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly requestId: string;
  readonly finishedAt: Date | null;
}

export const DEFAULT_RINGS: readonly Ring[] = [{ percent: 10 }, { all: true }];

/** A tenant that could be in a rollout. */
export interface Candidate {
  readonly id: string;
  readonly slug: string;
}

/** Tenants by status, of one ring. */
export type RingCounts = Readonly<Record<TenantRolloutStatus, number>>;

/**
 * The ring of each tenant, from 0; those no ring takes are left out.
 * @param candidates all whose version is another, in order of creation
 */
export function ringsOf(rings: readonly Ring[], candidates: readonly Candidate[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const [index, ring] of rings.entries()) {
    const named = new Set(ring.tenants?.map((name) => name.toLowerCase()));
    const share = ring.all ? candidates.length : Math.ceil(((ring.percent ?? 0) * candidates.length) / 100);
    for (const { id, slug } of candidates) {
      if (found.has(id)) continue;
      if (named.has(id) || named.has(slug) || (!ring.tenants && found.size < share)) found.set(id, index);
    }
  }
  return found;
}

export type NextMove =
  | { readonly to: 'wait' }
  | { readonly to: 'ring'; readonly ring: number }
  | { readonly to: 'pause'; readonly reason: string }
  | { readonly to: 'done' };

/**
 * What follows when nobody finds anything to do in the ring at hand.
 * @param counts by ring; a ring that took no tenant is passed over
 */
export function nextMove(ring: number, counts: ReadonlyMap<number, RingCounts>): NextMove {
  const isOpen = [...counts].some(([index, { pending, running }]) => index <= ring && pending + running > 0);
  if (isOpen) return { to: 'wait' };
  const next = [...counts.keys()].filter((index) => index > ring).sort((a, b) => a - b)[0];
  if (next === undefined) return { to: 'done' };
  const { failed = 0, done = 0 } = counts.get(ring) ?? {};
  if (failed === 0) return { to: 'ring', ring: next };
  const reason =
    `${failed} of ${counted(failed + done, 'tenant')} of ring ${ring + 1} failed, so that ring ${next + 1} has not begun. ` +
    'Look at their errors; then retry them, resume to go on without them, or cancel.';
  return { to: 'pause', reason };
}

export const NO_COUNTS: RingCounts = { pending: 0, running: 0, done: 0, failed: 0, suspended: 0, skipped: 0 };

export function sumOf(counts: Iterable<RingCounts>): RingCounts {
  const sum: Record<TenantRolloutStatus, number> = { ...NO_COUNTS };
  for (const each of counts) for (const status of TENANT_STATUSES) sum[status] += each[status];
  return sum;
}
