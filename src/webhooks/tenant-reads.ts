import type { Actor } from '../database/context-token.js';
import type { SystemTx } from '../database/control-plane.js';
import type { Tenant } from '../tenants/tenant-directory.js';

/** What webhooks ask of a tenant's sealed trail, as that tenant: how far it goes, and where in it a time is. */

/** The number of the latest sealed event; 0 before the first. */
export async function headOf(tx: SystemTx, tenant: Tenant, actor: Actor): Promise<string> {
  const [row] = await tx.asTenant(tenant.home, actor, (query) =>
    query({ text: 'select seq from audit.heads where tenant_id = $1', values: [tenant.id] }),
  );
  return row?.[0] ?? '0';
}

/**
 * The number of the first event that was sealed at or after `from`; one more than `head` when there is none. Numbers and times of
 * sealing grow together, so that it is found by halves: 30 reads of an index for a thousand million events.
 */
export async function seqAt(tx: SystemTx, tenant: Tenant, actor: Actor, from: Date, head: number): Promise<number> {
  return tx.asTenant(tenant.home, actor, async (query) => {
    let [low, high] = [1, head + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [row] = await query({
        text: `select sealed_at >= $3::timestamptz
from audit.chain
where tenant_id = $1
  and seq <= $2::bigint
order by seq desc
limit 1`,
        values: [tenant.id, String(middle), from.toISOString()],
      });
      // What has left the trail was before.
      if (row?.[0] === 't') high = middle;
      else low = middle + 1;
    }
    return low;
  });
}
