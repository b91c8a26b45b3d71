import { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import type { Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { DefinedEntity } from './defined-entity.js';

/**
 * Every tenant's current entities, from memory: no request reads a metadata table. Filled single-flight, in the tenant's
 * own context, and dropped when this or another instance changed a definition.
 */

type Entities = ReadonlyMap<string, DefinedEntity>;

const LARGEST = 5_000;
const ACTOR = { subject: 'business-store', roles: [], requestId: 'entity-registry' };

export class EntityRegistry {
  private readonly tenants = new Map<string, Promise<Entities>>();

  constructor(
    private readonly pool: RuntimePool,
    directory: TenantDirectory,
  ) {
    directory.onChange((tenantId) => this.forget(tenantId));
  }

  async of(tenant: Tenant): Promise<Entities> {
    const known = this.tenants.get(tenant.id);
    if (known !== undefined) return known;
    const loading = this.load(tenant);
    if (this.tenants.size >= LARGEST) this.tenants.delete(this.tenants.keys().next().value as string);
    this.tenants.set(tenant.id, loading);
    loading.catch(() => {
      if (this.tenants.get(tenant.id) === loading) this.tenants.delete(tenant.id);
    });
    return loading;
  }

  async get(tenant: Tenant, name: string): Promise<DefinedEntity> {
    const entity = (await this.of(tenant)).get(name);
    if (!entity)
      throw new Problem('entity/not-found', 'The tenant has no entity of this name. GET …/entities lists what there is.');
    return entity;
  }

  forget(tenantId: string): void {
    this.tenants.delete(tenantId);
  }

  private async load(tenant: Tenant): Promise<Entities> {
    const rows = await TenantTx.run(this.pool, tenant.home, ACTOR, { readOnly: true }, (tx) =>
      tx.last({
        text: 'select name, version, document from business_store_service.tenant_schemas where tenant_id = $1 order by name',
        values: [tenant.id],
      }),
    );
    return new Map(
      rows.map(([name, version, document]) => [
        name as string,
        new DefinedEntity(tenant.home, name as string, Number(version), JSON.parse(document as string) as JsonObject),
      ]),
    );
  }
}
