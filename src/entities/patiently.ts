import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Actor } from '../database/context-token.js';
import type { ControlPlane, SystemTx } from '../database/control-plane.js';
import { databaseErrorOf } from '../database/sqlstate.js';
import type { TenantHome } from '../model/entity.js';
import { Problem } from '../platform/problem.js';

/** Longest a definition waits for a lock at a time: whoever reads or writes the table queues up behind it for as long. */
export const LOCK_TIMEOUT_MS = 100;

/** How long it goes on asking. */
const PATIENCE_MS = 30_000;

const LONGEST_PAUSE_MS = 800;

/** A lock that was not to be had, and two that waited for each other. */
const COLLISIONS: ReadonlySet<string> = new Set(['55P03', '40P01']);

/**
 * A transaction in the tenant's context that takes table locks. It gives way after 100 ms, so that a reader who came after it
 * waits no longer behind somebody's long report, and comes again after a pause of random length: two that met do not meet again.
 * @param giveUp asked after each collision: there is no time for another attempt.
 * @throws Problem entity/busy after half a minute
 */
export async function patiently<T>(
  controlPlane: ControlPlane,
  actor: Actor,
  home: TenantHome,
  work: (tx: SystemTx) => Promise<T>,
  giveUp: () => boolean = () => false,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let pause = 50; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await controlPlane.inTenant(actor, home, async (tx) => {
        await tx.manager.query(`set local lock_timeout = '${LOCK_TIMEOUT_MS}ms'`);
        return work(tx);
      });
    } catch (error) {
      if (!COLLISIONS.has(databaseErrorOf(error)?.code ?? '') || giveUp()) throw error;
      if (Date.now() + pause > deadline) throw busy();
      await wait(pause / 2 + randomInt(pause));
    }
  }
}

function busy(): Problem {
  return new Problem(
    'entity/busy',
    `Long transactions use the table, or other changes of this tenant are being applied: its lock was not to be had for ${PATIENCE_MS / 1_000} s. Nothing was changed. Try again when they are done.`,
    {},
    { 'Retry-After': '10' },
  );
}
