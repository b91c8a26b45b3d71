import { setTimeout as wait } from 'node:timers/promises';
import { In, Raw } from 'typeorm';
import { NO_ROLES, type TenantRole, type TenantRoles } from '../access/tenant-role.js';
import type { ControlPlane, SystemTx } from '../database/control-plane.js';
import type { WakeUp } from '../database/wake-up.js';
import type { TenantHome } from '../model/entity.js';
import { type TenantRow, type TenantStatus, TenantRow as TenantTable } from './tenant.row.js';

/**
 * Who the tenants are and where they live, from memory: a request reads no table to find its tenant. Entries are read
 * again when another instance says that something changed, and after a minute in any case, should nobody have heard it.
 */

export interface Tenant {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly status: TenantStatus;
  readonly home: TenantHome;
  /** Roles of its own, by name. */
  readonly roles: TenantRoles;
}

const LIFETIME_MS = 60_000;
/** Unknown ids are remembered too, briefly: a stranger's guesses must not become queries. */
const UNKNOWN_LIFETIME_MS = 5_000;
const LARGEST = 20_000;
const ACTOR = { subject: 'business-store', roles: [], requestId: 'tenant-directory' };

/** Stays when it is forgotten: as long as anybody may remember something of a tenant, its changes are looked for. */
interface Entry {
  readonly tenant: Promise<Tenant | null>;
  until: number;
  /** Of the row as it was read, milliseconds; -1 before the first reading. */
  changedAt: number;
}

export class TenantDirectory {
  private readonly entries = new Map<string, Entry>();
  private readonly listeners = new Set<(tenantId: string) => void>();
  private looking: Promise<void> | null = null;
  private again = false;

  constructor(
    private readonly controlPlane: ControlPlane,
    wakeUp: WakeUp,
    private readonly onError: (error: unknown) => void,
  ) {
    wakeUp.onWake(() => this.look());
  }

  /** Calls back with the id of every tenant whose cached state must go. */
  onChange(listener: (tenantId: string) => void): void {
    this.listeners.add(listener);
  }

  async find(tenantId: string): Promise<Tenant | null> {
    const known = this.entries.get(tenantId);
    if (known && known.until > Date.now()) return known.tenant;
    const reading = this.read(tenantId);
    const entry: Entry = {
      tenant: reading.then((found) => found && tenantOf(found.row, found.roles)),
      until: Date.now() + LIFETIME_MS,
      changedAt: known?.changedAt ?? -1,
    };
    if (!known) this.makeRoom();
    this.entries.set(tenantId, entry);
    try {
      const changedAt = (await reading)?.row.changedAt.getTime() ?? -1;
      if (changedAt !== entry.changedAt) this.tell(tenantId);
      entry.changedAt = changedAt;
      if (changedAt === -1) entry.until = Math.min(entry.until, Date.now() + UNKNOWN_LIFETIME_MS);
    } catch {
      entry.until = 0;
    }
    return entry.tenant;
  }

  forget(tenantId: string): void {
    const entry = this.entries.get(tenantId);
    if (entry) entry.until = 0;
    this.tell(tenantId);
  }

  private tell(tenantId: string): void {
    for (const listener of this.listeners) listener(tenantId);
  }

  private makeRoom(): void {
    if (this.entries.size < LARGEST) return;
    const oldest = this.entries.keys().next().value as string;
    this.entries.delete(oldest);
    this.tell(oldest);
  }

  private async read(tenantId: string): Promise<{ row: TenantRow; roles: TenantRoles } | null> {
    return this.controlPlane.platform(ACTOR, async (tx) => {
      const row = await tx.manager.findOneBy(TenantTable, { id: tenantId });
      return row && { row, roles: await readRoles(tx, tenantId) };
    });
  }

  /**
   * At once, but one look at a time and no more than a third of the time: a change of a thousand tenants wakes everybody a
   * thousand times, and each look meets all that has changed lately.
   */
  private look(): void {
    this.again = true;
    this.looking ??= this.lookWhileWoken().finally(() => {
      this.looking = null;
    });
  }

  private async lookWhileWoken(): Promise<void> {
    while (this.again) {
      this.again = false;
      const started = performance.now();
      await this.lookForChanges().catch(this.onError);
      if (this.again) await wait(2 * (performance.now() - started), undefined, { ref: false });
    }
  }

  private async lookForChanges(): Promise<void> {
    const known = [...this.entries.keys()];
    if (known.length === 0) return;
    // By the database's clock, and back beyond a commit that is late: a change is stamped shortly before it.
    const changedAt = Raw((column) => `${column} > now() - interval '30 seconds'`);
    const changed = await this.controlPlane.platform(ACTOR, (tx) =>
      tx.manager.find(TenantTable, { select: { id: true, changedAt: true }, where: { changedAt, id: In(known) } }),
    );
    for (const row of changed) {
      if (this.entries.get(row.id)?.changedAt !== row.changedAt.getTime()) this.forget(row.id);
    }
  }
}

export function tenantOf(row: TenantRow, roles: TenantRoles = NO_ROLES): Tenant {
  const { id, slug, name, status, schemaName, roleName, ownerRoleName } = row;
  return { id, slug, name, status, home: { tenantId: id, schema: schemaName, role: roleName, ownerRole: ownerRoleName }, roles };
}

async function readRoles(tx: SystemTx, tenantId: string): Promise<TenantRoles> {
  const rows = await tx.run<TenantRole>({
    text: `select name, description, inherits, permissions
from business_store_service.tenant_roles
where tenant_id = $1`,
    values: [tenantId],
  });
  return rows.length === 0 ? NO_ROLES : new Map(rows.map((role) => [role.name, role]));
}
