import type { SystemTx } from '../database/control-plane.js';
import { arrayLiteral } from '../model/query/array-literal.js';
import { inProgress } from './switch-over.js';

/**
 * What a change that is being prepared counts on must stay as it is. To be asked with the definitions locked.
 * @throws Problem entity/change-in-progress while one of these entities is being prepared for a change
 */
export async function assertNoneRunning(tx: SystemTx, tenantId: string, entityIds: readonly string[]): Promise<void> {
  if (entityIds.length === 0) return;
  const running = await tx.run({
    text: `select
from business_store_service.schema_changes
where tenant_id = $1
  and entity_id = any ($2::uuid[])
  and status in ('running', 'aborting')`,
    values: [tenantId, arrayLiteral(entityIds)],
  });
  if (running.length > 0) throw inProgress();
}
