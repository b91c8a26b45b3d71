import { MoreThan } from 'typeorm';
import { NO_ROLES } from '../access/tenant-role.js';
import { type AuditAction, auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import type { ControlPlane, SystemTx } from '../database/control-plane.js';
import { databaseErrorOf } from '../database/sqlstate.js';
import { wakeOthers } from '../database/wake-up.js';
import { Problem } from '../platform/problem.js';
import { isUuid, uuidV7 } from '../platform/uuid.js';
import { newHome, provision } from './provisioning.js';
import { TenantRow } from './tenant.row.js';
import type { Tenant, TenantDirectory } from './tenant-directory.js';

/** Creates, lists, renames, suspends and resumes tenants: system administrators only, in the platform's context. */
export class TenantsService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly directory: TenantDirectory,
  ) {}

  /**
   * Registry row, roles, schema, audit row and whatever `fill` puts into the new tenant, in one transaction. A slug that is
   * taken: 409 with the tenant that has it.
   */
  async create(
    actor: Actor,
    wanted: { slug: string; name: string },
    fill: (tx: SystemTx, tenant: Tenant) => Promise<void> = async () => {},
  ): Promise<TenantRow> {
    const id = uuidV7();
    const home = newHome(id);
    try {
      // In the context of the tenant there is going to be: everything written here is its own.
      const row = await this.controlPlane.inTenant(actor, home, async (tx) => {
        // The registry row first: a slug that is taken fails before any role exists.
        await tx.manager.insert(TenantRow, {
          id,
          slug: wanted.slug,
          name: wanted.name,
          status: 'active',
          schemaName: home.schema,
          roleName: home.role,
          ownerRoleName: home.ownerRole,
        });
        await provision(tx, home);
        await tx.run(auditStatement(id, actor, { action: 'tenant.created', body: JSON.stringify({ after: wanted }) }));
        await fill(tx, { id, ...wanted, status: 'active', home, roles: NO_ROLES });
        await wakeOthers(tx);
        return tx.manager.findOneByOrFail(TenantRow, { id });
      });
      this.directory.forget(id);
      return row;
    } catch (error) {
      if (databaseErrorOf(error)?.constraint !== 'tenants_slug_key') throw error;
      throw await this.slugTaken(actor, wanted.slug);
    }
  }

  /** In order of creation; `after` is the last id of the previous page. */
  async list(actor: Actor, page: { limit: number; after?: string }): Promise<TenantRow[]> {
    return this.controlPlane.platform(actor, (tx) =>
      tx.manager.find(TenantRow, {
        where: page.after ? { id: MoreThan(page.after) } : {},
        order: { id: 'asc' },
        take: page.limit,
      }),
    );
  }

  async get(actor: Actor, tenantId: string): Promise<TenantRow> {
    return this.controlPlane.platform(actor, (tx) => find(tx, tenantId));
  }

  async update(actor: Actor, tenantId: string, change: { name?: string; status?: TenantRow['status'] }): Promise<TenantRow> {
    if (change.name === undefined && change.status === undefined) {
      throw new Problem('request/invalid', 'Nothing would change: send name or status.');
    }
    const row = await this.controlPlane.platform(actor, async (tx) => {
      const before = await find(tx, tenantId, true);
      const wanted = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as typeof change;
      await tx.manager.update(
        TenantRow,
        { id: tenantId },
        { ...wanted, updatedAt: () => 'now()', changedAt: () => 'clock_timestamp()' },
      );
      const body = JSON.stringify({ before: { name: before.name, status: before.status }, after: wanted });
      await tx.run(auditStatement(tenantId, actor, { action: actionOf(before, wanted), body }));
      await wakeOthers(tx);
      return find(tx, tenantId);
    });
    this.directory.forget(tenantId);
    return row;
  }

  private async slugTaken(actor: Actor, slug: string): Promise<Problem> {
    const existing = await this.controlPlane.platform(actor, (tx) => tx.manager.findOneBy(TenantRow, { slug }));
    return new Problem(
      'tenant/exists',
      `The slug "${slug}" belongs to an existing tenant. Use that one, or choose another slug.`,
      {
        tenantId: existing?.id,
      },
    );
  }
}

function actionOf(before: TenantRow, change: { status?: TenantRow['status'] }): AuditAction {
  if (change.status === undefined || change.status === before.status) return 'tenant.updated';
  return change.status === 'suspended' ? 'tenant.suspended' : 'tenant.resumed';
}

async function find(tx: SystemTx, tenantId: string, lock = false): Promise<TenantRow> {
  const row = isUuid(tenantId)
    ? await tx.manager.findOne(TenantRow, { where: { id: tenantId }, ...(lock ? { lock: { mode: 'pessimistic_write' } } : {}) })
    : null;
  if (!row) throw new Problem('tenant/not-found', 'There is no tenant with this id.');
  return row;
}
