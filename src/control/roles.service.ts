import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { Access } from '../access/access.js';
import { isGrantable, isRoleOfATenant, type TenantRole } from '../access/tenant-role.js';
import { type AuditAction, auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, type SystemTx } from '../database/control-plane.js';
import { wakeOthers } from '../database/wake-up.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityRegistry } from '../entities/entity-registry.js';
import { rolesThatMatter } from '../model/access/entity-view.js';
import { Problem } from '../platform/problem.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { permissionFaults } from './permission-faults.js';
import type { PutRoleBody } from './role.bodies.js';
import {
  countKeysStatement,
  deleteStatement,
  findStatement,
  listStatement,
  lockStatement,
  putStatement,
  type TenantRoleRow,
  touchStatement,
} from './roles-sql.js';

const MOST_ROLES = 100;

/** Who would lose something with the role, as far as whoever asks may know of them. */
interface RoleUses {
  /** How many that hold. */
  readonly apiKeys?: number;
  /** Whose documents name it. */
  readonly entities: readonly string[];
}

/**
 * Makes, shows, replaces and deletes the roles that a tenant has of its own, each change together with its line in the tenant's trail.
 * What a role permits is read by every instance with the tenant, and anew within 5 seconds of a change.
 */
@Injectable()
export class RolesService {
  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly registry: EntityRegistry,
    private readonly directory: TenantDirectory,
  ) {}

  list(actor: Actor, tenant: Tenant): Promise<TenantRoleRow[]> {
    return this.controlPlane.inTenant(actor, tenant.home, (tx) => tx.run<TenantRoleRow>(listStatement(tenant.id)));
  }

  /** @throws Problem `role/not-found` */
  async get(actor: Actor, tenant: Tenant, access: Access, name: string): Promise<{ role: TenantRoleRow; usedBy: RoleUses }> {
    const found = await this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      const role = await find(tx, tenant, name);
      const [counted] = await tx.run<{ keys: number }>(countKeysStatement(tenant.id, name));
      return { role, apiKeys: counted?.keys ?? 0 };
    });
    const entities = [...(await this.registry.of(tenant)).values()].filter(
      (defined) => access.may('entities.read', defined.name) && namesRole(defined, name),
    );
    const { role, apiKeys } = found;
    const usedBy = { ...(access.may('apiKeys.read') && { apiKeys }), entities: entities.map((defined) => defined.name).sort() };
    return { role, usedBy };
  }

  /** Makes it, or replaces what there is. @throws Problem `request/invalid` (422), `role/too-many` (409) */
  async put(actor: Actor, tenant: Tenant, name: string, body: PutRoleBody): Promise<{ role: TenantRoleRow; isNew: boolean }> {
    assertOwnName(name);
    const wanted = roleOf(name, body);
    const given = { member: 'permissions', names: wanted.permissions, rule: 'permission', refusal };
    const errors = permissionFaults(given, await this.registry.of(tenant));
    if (errors.length > 0) throw new Problem('request/invalid', 'See errors for each place and rule.', { errors });
    return this.change(actor, tenant, async (tx) => {
      const [before] = await tx.run<TenantRoleRow>(findStatement(tenant.id, name));
      if (before && isDeepStrictEqual(contentOf(before), contentOf(wanted))) return { role: before, isNew: false };
      if (!before) await assertRoom(tx, tenant);
      const [role] = await tx.run<TenantRoleRow>(putStatement(tenant.id, wanted));
      const body = { ...(before && { before: contentOf(before) }), after: contentOf(wanted) };
      await tell(tx, actor, tenant, {
        action: before ? 'role.updated' : 'role.created',
        body: { detail: { role: name }, ...body },
      });
      return { role: role as TenantRoleRow, isNew: !before };
    });
  }

  /** Keys and tokens that have it lose what it permits. @throws Problem `role/not-found` */
  async delete(actor: Actor, tenant: Tenant, name: string): Promise<void> {
    await this.change(actor, tenant, async (tx) => {
      const before = contentOf(await find(tx, tenant, name));
      await tx.run(deleteStatement(tenant.id, name));
      await tell(tx, actor, tenant, { action: 'role.deleted', body: { detail: { role: name }, before } });
    });
  }

  private async change<T>(actor: Actor, tenant: Tenant, work: (tx: SystemTx) => Promise<T>): Promise<T> {
    const changed = await this.controlPlane.inTenant(actor, tenant.home, async (tx) => {
      await tx.run(lockStatement(tenant.id));
      return work(tx);
    });
    this.directory.forget(tenant.id);
    return changed;
  }
}

function roleOf(name: string, { description, inherits, permissions }: PutRoleBody): TenantRole {
  return { name, description: description ?? '', inherits: inherits ?? [], permissions: permissions ?? [] };
}

function contentOf({ description, inherits, permissions }: TenantRole): Omit<TenantRole, 'name'> {
  return { description, inherits, permissions };
}

function refusal(operation: string): string | null {
  return isGrantable(operation)
    ? null
    : 'must begin with an operation that roles of a tenant may hold: see `bss roles operations`';
}

function assertOwnName(name: string): void {
  if (isRoleOfATenant(name)) return;
  const message = 'takes 1-63 lower-case letters, digits, _ and -, the first a letter, and no name that the store gives itself';
  throw new Problem('request/invalid', 'No role of a tenant can be called so.', {
    errors: [{ pointer: '/role', rule: 'name', message }],
  });
}

async function assertRoom(tx: SystemTx, tenant: Tenant): Promise<void> {
  if ((await tx.run(listStatement(tenant.id))).length < MOST_ROLES) return;
  throw new Problem('role/too-many', `A tenant has ${MOST_ROLES} roles of its own at most: delete one that nobody needs.`);
}

async function find(tx: SystemTx, tenant: Tenant, name: string): Promise<TenantRoleRow> {
  const [role] = isRoleOfATenant(name) ? await tx.run<TenantRoleRow>(findStatement(tenant.id, name)) : [];
  if (!role) throw new Problem('role/not-found', 'GET …/roles lists those it has made; the built-in ones are always there.');
  return role;
}

/** The trail, and every instance. */
async function tell(tx: SystemTx, actor: Actor, tenant: Tenant, event: { action: AuditAction; body: object }): Promise<void> {
  await tx.run(auditStatement(tenant.id, actor, { action: event.action, body: JSON.stringify(event.body) }));
  await tx.run(touchStatement(tenant.id));
  await wakeOthers(tx);
}

/** Most documents name none: they are not read for it. */
function namesRole(defined: DefinedEntity, role: string): boolean {
  if (!defined.entry.text.includes(JSON.stringify(role))) return false;
  return rolesThatMatter(defined.entity).has(role) || Object.hasOwn((defined.document.rowRules ?? {}) as object, role);
}
