import type { Actor } from './context-token.js';
import type { ControlPlane } from './control-plane.js';

/**
 * Deletes what is due, of all tenants, in transactions of some rows each, until little is left or nobody wants more.
 * @param sql deletes about `atOnce` rows while there are as many
 */
export async function deleteInTurns(
  controlPlane: ControlPlane,
  actor: Actor,
  { sql, atOnce }: { readonly sql: string; readonly atOnce: number },
  isEnough: () => boolean,
): Promise<void> {
  for (let deleted = atOnce; deleted >= atOnce && !isEnough(); ) {
    deleted = await controlPlane.platform(actor, async (tx) => {
      const [, count] = (await tx.manager.query(sql)) as [unknown, number];
      return count;
    });
  }
}
