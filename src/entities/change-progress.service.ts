import { Injectable } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import { Problem } from '../platform/problem.js';
import { isUuid } from '../platform/uuid.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { type ChangeView, changesStatement, readChange } from './change-store.js';
import { entityDrift, type Registered } from './entity-drift.js';
import { EntityRegistry } from './entity-registry.js';
import type { Inspection } from './prepared-objects.js';
import { readRetained, retainedStatement } from './retained-properties.js';

/** How far changes are, how to stop one, and whether the catalog is what the registry says. */
@Injectable()
export class ChangeProgressService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly pool: RuntimePool,
    private readonly registry: EntityRegistry,
  ) {}

  async list(actor: Actor, tenant: Tenant, entity: string): Promise<ChangeView[]> {
    return this.read(actor, tenant, entity, null);
  }

  async get(actor: Actor, tenant: Tenant, entity: string, changeId: string): Promise<ChangeView> {
    const [found] = isUuid(changeId) ? await this.read(actor, tenant, entity, changeId) : [];
    if (!found) throw new Problem('entity/change-not-found', 'There is no change of this id. GET …/changes lists them.');
    return found;
  }

  /** Whoever works on it stops at its next step and takes away what it has prepared; what is in force already goes on. */
  async abort(actor: Actor, tenant: Tenant, entity: string, changeId: string): Promise<ChangeView> {
    await this.get(actor, tenant, entity, changeId);
    await this.controlPlane.inTenant(actor, tenant.home, (tx) =>
      tx.run({
        text: `update business_store_service.schema_changes
set status = 'aborting', updated_at = now()
where tenant_id = $1
  and change_id = $2
  and status = 'running'
  and progress ->> 'switched' is null`,
        values: [tenant.id, changeId],
      }),
    );
    return this.get(actor, tenant, entity, changeId);
  }

  async drift(actor: Actor, tenant: Tenant, name: string): Promise<Inspection> {
    const found = await entityDrift(this.controlPlane, actor, tenant.home, () => this.registered(actor, tenant, name));
    return found.get(name) as Inspection;
  }

  /** As it is now: another instance may have changed it. */
  private async registered(actor: Actor, tenant: Tenant, name: string): Promise<Registered> {
    this.registry.forget(tenant.id);
    const { id } = await this.registry.get(tenant, name);
    const retained = await TenantTx.run(this.pool, tenant.home, actor, { readOnly: true }, (tx) =>
      tx.last(retainedStatement(tenant.id, id)),
    );
    const columns = new Set(retained.map((row) => readRetained(row).column));
    const entities = [...(await this.registry.of(tenant)).values()].map(({ entity }) => entity);
    return { entities, retainedOf: (entity) => (entity.name === name ? columns : new Set()) };
  }

  private async read(actor: Actor, tenant: Tenant, entity: string, changeId: string | null): Promise<ChangeView[]> {
    const rows = await TenantTx.run(this.pool, tenant.home, actor, { readOnly: true }, (tx) =>
      tx.last(changesStatement(tenant.id, entity, changeId)),
    );
    return rows.map(readChange);
  }
}
