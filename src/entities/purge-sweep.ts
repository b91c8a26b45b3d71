import type { Actor } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import { qualified } from '../model/ddl/table-ref.js';
import type { TenantHome } from '../model/entity.js';
import { Periodic } from '../platform/periodic.js';
import type { TenantDirectory } from '../tenants/tenant-directory.js';
import { dueRows } from './due-rows.js';
import { forgetPast } from './past-keeping.js';
import { patiently } from './patiently.js';
import { announce, lockDefinitions } from './registry-changes.js';
import { purgeColumn } from './retention.service.js';

/** Ends what was dropped and whose retention is over: some at a time, every hour, by whichever instance comes first. */

const EVERY_MS = 3_600_000;
const AT_ONCE = 100;
const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'purge' };

export class PurgeSweep {
  private readonly periodic: Periodic;

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly directory: TenantDirectory,
    private readonly onError: (error: unknown) => void,
  ) {
    this.periodic = new Periodic(EVERY_MS, () => this.sweep(), onError);
  }

  start(): void {
    this.periodic.start();
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  async sweep(): Promise<void> {
    const columns = await this.due<{ entity_id: string; column_name: string; property: string }>(`
select r.tenant_id, r.entity_id, r.column_name, r.property
from business_store_service.retained_properties as r
join business_store_service.tenant_schemas as s using (tenant_id, entity_id)
where r.purge_at < now()
  and s.dropped_at is null
order by r.purge_at
limit ${AT_ONCE}`);
    for (const { home, entity_id: entityId, column_name: column, property } of columns) {
      if (this.periodic.isStopping) return;
      await purgeColumn(this.controlPlane, ACTOR, home, { entityId, column, property }).catch(this.onError);
    }
    const entities = await this.due<{ entity_id: string; name: string; hidden_table: string }>(`
select tenant_id, entity_id, name, hidden_table
from business_store_service.tenant_schemas
where purge_at < now()
  and purged_at is null
order by purge_at
limit ${AT_ONCE}`);
    for (const entity of entities) {
      if (this.periodic.isStopping) return;
      await this.purgeEntity(entity).catch(this.onError);
    }
  }

  private due<T>(sql: string): Promise<(T & { home: TenantHome })[]> {
    return dueRows<T & { tenant_id: string }>(this.controlPlane, this.directory, ACTOR, sql);
  }

  private async purgeEntity(due: { home: TenantHome; entity_id: string; name: string; hidden_table: string }): Promise<void> {
    const { home, entity_id: entityId, name, hidden_table: table } = due;
    await patiently(this.controlPlane, ACTOR, home, async (tx) => {
      await lockDefinitions(tx, home.tenantId);
      const [, count] = (await tx.manager.query(
        `update business_store_service.tenant_schemas
set purged_at = now(), hidden_table = null
where tenant_id = $1
  and entity_id = $2
  and hidden_table = $3
  and purge_at < now()`,
        [home.tenantId, entityId, table],
      )) as [unknown, number];
      if (count === 0) return;
      await tx.run({
        text: `delete from business_store_service.retained_properties
where tenant_id = $1
  and entity_id = $2`,
        values: [home.tenantId, entityId],
      });
      const tables = [table, ...(await forgetPast(tx, home.tenantId, entityId))];
      await tx.asOwner(
        home,
        tables.map((name) => `drop table if exists ${qualified(home, name)}`),
      );
      await announce(tx, ACTOR, home.tenantId, { action: 'entity.purged', entity: name, body: {} });
    });
  }
}
