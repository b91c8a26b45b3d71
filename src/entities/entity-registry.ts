import { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import { Problem } from '../platform/problem.js';
import type { Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { DefinedEntity, type RegistryEntry } from './defined-entity.js';
import { entriesStatement, readEntry } from './registry-entries.js';

/**
 * Every tenant's current entities, from memory: no request reads a metadata table. Filled single-flight, in the tenant's
 * own context, and dropped when this or another instance changed a definition.
 */

type Entities = ReadonlyMap<string, DefinedEntity>;

/** A stale entry is loaded anew, and lends what it has compiled to its successor. */
interface Entry {
  readonly entities: Promise<Entities>;
  stale: boolean;
}

const LARGEST = 5_000;
const ACTOR = { subject: 'business-store', roles: [], requestId: 'entity-registry' };

export class EntityRegistry {
  private readonly tenants = new Map<string, Entry>();

  constructor(
    private readonly pool: RuntimePool,
    directory: TenantDirectory,
  ) {
    directory.onChange((tenantId) => this.forget(tenantId));
  }

  async of(tenant: Tenant): Promise<Entities> {
    const known = this.tenants.get(tenant.id);
    if (known !== undefined && !known.stale) return known.entities;
    const entry: Entry = { entities: this.load(tenant, known), stale: false };
    if (!known && this.tenants.size >= LARGEST) this.tenants.delete(this.tenants.keys().next().value as string);
    this.tenants.set(tenant.id, entry);
    entry.entities.catch(() => {
      if (this.tenants.get(tenant.id) === entry) this.tenants.delete(tenant.id);
    });
    return entry.entities;
  }

  async get(tenant: Tenant, name: string): Promise<DefinedEntity> {
    return (await this.find(tenant, name)).defined;
  }

  /** An entity and, of the same moment, all of its tenant. @throws Problem entity/not-found */
  async find(tenant: Tenant, name: string): Promise<{ defined: DefinedEntity; entities: Entities }> {
    const entities = await this.of(tenant);
    const defined = entities.get(name);
    if (!defined)
      throw new Problem('entity/not-found', 'The tenant has no entity of this name. GET …/entities lists what there is.');
    return { defined, entities };
  }

  forget(tenantId: string): void {
    const entry = this.tenants.get(tenantId);
    if (entry) entry.stale = true;
  }

  private async load(tenant: Tenant, previous: Entry | undefined): Promise<Entities> {
    const rows = await TenantTx.run(this.pool, tenant.home, ACTOR, { readOnly: true }, (tx) =>
      tx.last(entriesStatement(tenant.id)),
    );
    const before = await previous?.entities.catch(() => undefined);
    return new Map(
      rows.map((row) => {
        const entry = readEntry(row);
        const old = before?.get(entry.name);
        return [entry.name, old && isSame(old.entry, entry) ? old : new DefinedEntity(tenant.home, entry)];
      }),
    );
  }
}

/** A version of an entity never changes: what was compiled for it serves on, unless a change is being prepared. */
function isSame(a: RegistryEntry, b: RegistryEntry): boolean {
  return a.id === b.id && a.version === b.version && a.transition === b.transition && a.pack?.version === b.pack?.version;
}
