import type { SystemTx } from '../database/control-plane.js';
import type { JsonObject } from '../platform/json-value.js';
import { type ChangeStatus, LeaseLost, type StoredChange } from './change-store.js';

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
