import { Inject, Injectable } from '@nestjs/common';
import { auditEachStatement } from '../audit/audit-each.js';
import { type AuditAction, auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, PLATFORM_ID, type SystemTx } from '../database/control-plane.js';
import { type Fault, Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { isUuid, uuidV7 } from '../platform/uuid.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { CreateGrantBody } from './grant.bodies.js';
import {
  approveGrant,
  existingTenants,
  findGrant,
  type GrantRow,
  insertGrant,
  insertGrantTenants,
  listGrants,
  listGrantsOf,
  lockGrant,
  type PlatformGrantRow,
  revokeGrant,
} from './grants-sql.js';

/**
 * Makes, approves and revokes access grants. Whatever becomes of one is told in the same transaction to each tenant that it names, and
 * to the platform's own trail.
 */
@Injectable()
export class GrantsService {
  constructor(
    private readonly controlPlane: ControlPlane,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** @throws Problem request/invalid (422) when there is no such tenant */
  async create(actor: Actor, wanted: CreateGrantBody): Promise<PlatformGrantRow> {
    const { reason, access, expiresInMinutes: minutes } = wanted;
    const tenants = wanted.tenants.map((id) => id.toLowerCase());
    const needsApproval = this.settings.GRANT_APPROVAL === 'required' || wanted.approval === true;
    const [ticket, entities] = [wanted.ticket ?? null, wanted.entities ?? null];
    return this.controlPlane.platform(actor, async (tx) => {
      assertAllKnown(tenants, await tx.run<{ id: string }>(existingTenants(tenants)));
      const id = uuidV7();
      await tx.run(insertGrant({ id, requestedBy: actor.subject, reason, ticket, entities, access, needsApproval, minutes }));
      await tx.run(insertGrantTenants(id, tenants));
      const made = await find(tx, id);
      const { expires_at: expiresAt } = made;
      await tell(tx, actor, made, 'grant.created', { reason, ticket, entities, access, needsApproval, expiresAt });
      return made;
    });
  }

  /** Newest first. */
  list(actor: Actor, page: { limit: number; after?: string }): Promise<PlatformGrantRow[]> {
    return this.controlPlane.platform(actor, (tx) => tx.run<PlatformGrantRow>(listGrants(page.after ?? null, page.limit)));
  }

  /** Those that name the tenant, newest first. */
  listOf(actor: Actor, tenant: Tenant, page: { limit: number; after?: string }): Promise<GrantRow[]> {
    return this.controlPlane.inTenant(actor, tenant.home, (tx) =>
      tx.run<GrantRow>(listGrantsOf(tenant.id, page.after ?? null, page.limit)),
    );
  }

  /** @throws Problem grant/not-found */
  get(actor: Actor, id: string): Promise<PlatformGrantRow> {
    return this.controlPlane.platform(actor, (tx) => find(tx, id));
  }

  /** Again, by whomever: as it was. @throws Problem auth/forbidden for one's own, grant/ended, grant/not-found */
  async approve(actor: Actor, id: string): Promise<PlatformGrantRow> {
    return this.controlPlane.platform(actor, async (tx) => {
      const grant = await find(tx, id, true);
      if (grant.requested_by === actor.subject) {
        throw new Problem('auth/forbidden', 'Nobody approves an access grant of their own.', { operation: 'grants.approve' });
      }
      if (grant.state === 'revoked' || grant.state === 'expired') {
        throw new Problem('grant/ended', 'It is good for nothing any more: create another one.');
      }
      if (grant.approved_by !== null) return grant;
      await tx.run(approveGrant(grant.grant_id, actor.subject));
      await tell(tx, actor, grant, 'grant.approved', { requestedBy: grant.requested_by });
      return find(tx, id);
    });
  }

  /** By any system administrator, at once and everywhere; again, it changes nothing. @throws Problem grant/not-found */
  async revoke(actor: Actor, id: string): Promise<void> {
    await this.controlPlane.platform(actor, async (tx) => {
      const grant = await find(tx, id, true);
      if (grant.state === 'revoked' || grant.state === 'expired') return;
      await tx.run(revokeGrant(grant.grant_id, actor.subject));
      await tell(tx, actor, grant, 'grant.revoked', { requestedBy: grant.requested_by });
    });
  }
}

async function find(tx: SystemTx, id: string, lock = false): Promise<PlatformGrantRow> {
  const isKnown = isUuid(id) && (!lock || (await tx.run(lockGrant(id))).length > 0);
  const [row] = isKnown ? await tx.run<PlatformGrantRow>(findGrant(id)) : [];
  if (!row) throw new Problem('grant/not-found', 'There is no access grant of this id. GET /api/v1/grants lists them.');
  return row;
}

/** No tenant learns which others there are; the platform's trail has them all. */
async function tell(tx: SystemTx, actor: Actor, grant: PlatformGrantRow, action: AuditAction, detail: object): Promise<void> {
  const body = (more: object): string => JSON.stringify({ detail: { grant: grant.grant_id, ...detail, ...more } });
  await tx.run(auditEachStatement(grant.tenants, actor, { action, body: body({}) }));
  await tx.run(auditStatement(PLATFORM_ID, actor, { action, body: body({ tenants: grant.tenants }) }));
}

function assertAllKnown(wanted: readonly string[], found: readonly { readonly id: string }[]): void {
  const known = new Set(found.map(({ id }) => id));
  const errors = wanted.flatMap((id, index): Fault[] =>
    known.has(id) ? [] : [{ pointer: `/tenants/${index}`, rule: 'tenant', message: 'must be the id of a tenant' }],
  );
  if (errors.length > 0) throw new Problem('request/invalid', 'See errors for each place and rule.', { errors });
}
