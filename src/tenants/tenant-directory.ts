import { In, Raw } from 'typeorm';
import type { ControlPlane } from '../database/control-plane.js';
import type { WakeUp } from '../database/wake-up.js';
import type { TenantHome } from '../model/entity.js';
import { type TenantRow, type TenantStatus, TenantRow as TenantTable } from './tenant.row.js';

/**
 * Who the tenants are and where they live, from memory: a request reads no table to find its tenant. Entries are dropped
 * when another instance says that something changed, and after a minute in any case.
 */

export interface Tenant {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly status: TenantStatus;
  readonly home: TenantHome;
}

const LIFETIME_MS = 60_000;
/** Unknown ids are remembered too, briefly: a stranger's guesses must not become queries. */
const UNKNOWN_LIFETIME_MS = 5_000;
const LARGEST = 20_000;
const ACTOR = { subject: 'business-store', roles: [], requestId: 'tenant-directory' };

export class TenantDirectory {
  private readonly entries = new Map<string, { tenant: Promise<Tenant | null>; until: number }>();
  private readonly listeners = new Set<(tenantId: string) => void>();

  constructor(
    private readonly controlPlane: ControlPlane,
    wakeUp: WakeUp,
    private readonly onError: (error: unknown) => void,
  ) {
    wakeUp.onWake(() => {
      this.lookForChanges().catch(this.onError);
    });
  }

  /** Calls back with the id of every tenant whose cached state must go. */
  onChange(listener: (tenantId: string) => void): void {
    this.listeners.add(listener);
  }

  async find(tenantId: string): Promise<Tenant | null> {
    const entry = this.entries.get(tenantId);
    if (entry && entry.until > Date.now()) return entry.tenant;
    const tenant = this.load(tenantId);
    if (this.entries.size >= LARGEST) this.entries.delete(this.entries.keys().next().value as string);
    this.entries.set(tenantId, { tenant, until: Date.now() + LIFETIME_MS });
    try {
      const found = await tenant;
      if (!found) this.entries.set(tenantId, { tenant, until: Date.now() + UNKNOWN_LIFETIME_MS });
      return found;
    } catch (error) {
      this.entries.delete(tenantId);
      throw error;
    }
  }

  forget(tenantId: string): void {
    this.entries.delete(tenantId);
    for (const listener of this.listeners) listener(tenantId);
  }

  private async load(tenantId: string): Promise<Tenant | null> {
    return this.controlPlane.platform(ACTOR, async (tx) => {
      const row = await tx.manager.findOneBy(TenantTable, { id: tenantId });
      return row && tenantOf(row);
    });
  }

  private async lookForChanges(): Promise<void> {
    const known = [...this.entries.keys()];
    if (known.length === 0) return;
    // By the database's clock, and further back than any definition takes: a change is stamped when it begins.
    const changedAt = Raw((column) => `${column} > now() - interval '2 minutes'`);
    const changed = await this.controlPlane.platform(ACTOR, (tx) =>
      tx.manager.find(TenantTable, { select: { id: true }, where: { changedAt, id: In(known) } }),
    );
    for (const { id } of changed) this.forget(id);
  }
}

export function tenantOf(row: TenantRow): Tenant {
  const { id, slug, name, status, schemaName, roleName, ownerRoleName } = row;
  return { id, slug, name, status, home: { tenantId: id, schema: schemaName, role: roleName, ownerRole: ownerRoleName } };
}
