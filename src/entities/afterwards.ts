import { setTimeout as wait } from 'node:timers/promises';
import type { Actor } from '../database/context-token.js';
import type { PastBatch } from '../model/plan/batches.js';
import { phaseOf } from '../model/plan/operation.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { Interrupted } from './change-stops.js';
import { finishChange, noteProgress, type Progress, type StoredChange } from './change-store.js';
import { BEFORE_ALL, sealPastRows, versionsOf } from './past-backfill.js';
import type { Workshop } from './workshop.js';

/**
 * The end of a change whose new version is in force, where that asks for more than the switch could do: each step is gone on with until it
 * is done, wherever it was cut off, and nothing of it is taken back. No other change of the entity begins before.
 */

export const SWITCHED: Progress = { switched: true };

/** Of the time a batch took, how long the others have the table to themselves. */
const PAUSE_RATIO = 0.5;

/** How many steps are done when the new version is in force. */
export function switchedAt({ plan }: StoredChange): number {
  return plan.statements.filter((step) => phaseOf(step) !== 'afterwards').length;
}

/** Whether anything is left then. */
export function goesOn(change: StoredChange): boolean {
  return switchedAt(change) < change.plan.statements.length;
}

/** @throws LeaseLost, Interrupted, or what is worth another attempt */
export async function finishAfterwards(shop: Workshop, tenant: Tenant, actor: Actor, change: StoredChange): Promise<void> {
  const { statements } = change.plan;
  const work = { shop, tenant, actor, change };
  let { progress } = change;
  for (const [index, { past }] of statements.entries()) {
    if (index < change.stepsDone) continue;
    if (past) await sealPast(work, past, progress);
    progress = SWITCHED;
    await note(work, { stepsDone: index + 1, progress });
  }
  await shop.controlPlane.inTenant(actor, tenant.home, (tx) => finishChange(tx, change, shop.holder, 'done'));
}

interface Work {
  readonly shop: Workshop;
  readonly tenant: Tenant;
  readonly actor: Actor;
  readonly change: StoredChange;
}

/** One look at all rows: none comes any more that holds anything in plain text. */
async function sealPast(work: Work, batch: PastBatch, { rows = 0, place = BEFORE_ALL }: Progress): Promise<void> {
  const { shop, tenant, actor, change } = work;
  const whose = { tenant, entityId: change.entityId, actor };
  const steps = await versionsOf(shop.pool, whose);
  let [count, after] = [rows, place];
  for (;;) {
    if (shop.isStopping()) throw new Interrupted();
    const started = performance.now();
    const done = await sealPastRows(shop, whose, steps, batch, after);
    if (!done) return;
    count += done.rows;
    after = done.last;
    await note(work, { progress: { ...SWITCHED, rows: count, place: after } });
    await wait((performance.now() - started) * PAUSE_RATIO);
  }
}

async function note(
  { shop, tenant, actor, change }: Work,
  noted: { readonly stepsDone?: number; readonly progress: Progress },
): Promise<void> {
  await shop.controlPlane.inTenant(actor, tenant.home, (tx) => noteProgress(tx, change, shop.holder, noted));
}
