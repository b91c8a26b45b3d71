import type { SystemTx } from '../database/control-plane.js';
import type { JsonObject } from '../platform/json-value.js';
import { type ChangeStatus, LeaseLost, type StoredChange } from './change-store.js';

/** How changes stand, for those who do not work on them. */

/** How a change stands, whoever works on it. */
export async function changeStatus(
  tx: SystemTx,
  { tenantId, changeId }: Pick<StoredChange, 'tenantId' | 'changeId'>,
): Promise<{ readonly status: ChangeStatus; readonly error: JsonObject | null }> {
  const [row] = await tx.run<{ status: ChangeStatus; error: JsonObject | null }>({
    text: `select status, error
from business_store_service.schema_changes
where tenant_id = $1
  and change_id = $2`,
    values: [tenantId, changeId],
  });
  if (!row) throw new LeaseLost();
  return row;
}

/** Whether another change of one of these entities is under way; asked under the lock on the tenant's definitions. */
export async function isUnderWay(
  tx: SystemTx,
  tenantId: string,
  entityIds: readonly string[],
  own: string | null,
): Promise<boolean> {
  const rows = (await tx.manager.query(
    `select
from business_store_service.schema_changes
where tenant_id = $1
  and entity_id = any($2::uuid[])
  and change_id is distinct from $3::uuid
  and status in ('running', 'aborting')
limit 1`,
    [tenantId, entityIds, own],
  )) as unknown[];
  return rows.length > 0;
}
