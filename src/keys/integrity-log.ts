import { auditStatement } from '../audit/audit-event.js';
import { type Actor, asService } from '../database/context-token.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { CellPlace } from '../model/sealed/cell.js';
import { TEXT_FIELD } from '../model/sealed/keyring.js';
import type { Logger } from '../platform/log.js';
import type { Metrics } from '../platform/metrics.js';
import { TokenBuckets } from '../platform/token-buckets.js';
import type { KeyOwner } from './tenant-keys.js';

/**
 * Encrypted values that are not what was stored there: an alarm in the log, and an event in the tenant's trail in a transaction of its own,
 * since that of the request is rolled back. Never the value, nor what is there instead. Somebody who reads a broken value over and over
 * writes so many events a minute and no more; all are counted.
 */

const PER_MINUTE = 30;

export class IntegrityLog {
  private readonly tenants = new TokenBuckets({ burst: PER_MINUTE, seconds: 60 });

  constructor(
    private readonly pool: RuntimePool,
    private readonly metrics: Metrics,
    private readonly logger: Logger,
  ) {}

  /** Makes nothing worse: a trail that cannot be written is logged, and the request fails as it did. */
  async record(place: CellPlace, { id: tenantId, home }: KeyOwner, by: Actor): Promise<void> {
    this.metrics.countIntegrityFailure();
    if (!this.tenants.take(tenantId).granted) return;
    const { entityId, field, recordId } = place;
    const said = { alarm: 'value-integrity', tenantId, entityId, field, recordId, requestId: by.requestId };
    this.logger.error(said, 'ALARM: an encrypted value is not what was stored there');
    try {
      await TenantTx.run(this.pool, home, asService(by), { readOnly: false }, async (tx) => {
        const entity = field === TEXT_FIELD ? null : await nameOf(tx, tenantId, entityId);
        const what = field === TEXT_FIELD ? { text: entityId, id: recordId } : { entityId, field };
        await tx.last(
          auditStatement(tenantId, by, {
            ...(entity !== null && { entity }),
            ...(field !== TEXT_FIELD && { recordId }),
            ...{ action: 'record.integrity-failed', body: JSON.stringify({ detail: what }) },
          }),
        );
      });
    } catch (err) {
      this.logger.error({ err, ...said }, 'a broken value could not be written to the audit trail');
    }
  }
}

/** As it is called now; null where it is gone. */
async function nameOf(tx: TenantTx, tenantId: string, entityId: string): Promise<string | null> {
  const [row] = await tx.query({
    text: `select name
from business_store_service.tenant_schemas
where tenant_id = $1::uuid
  and entity_id = $2::uuid`,
    values: [tenantId, entityId],
  });
  return row?.[0] ?? null;
}
