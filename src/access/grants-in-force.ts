import { Injectable } from '@nestjs/common';
import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { Problem } from '../platform/problem.js';
import { isUuid } from '../platform/uuid.js';
import type { AccessGrant, GrantedAccess } from './grant.js';
import { grantRefused } from './grant-refused.js';

/**
 * Grants as they are used. Looked up each time, by the database's clock: a system administrator's request costs two transactions of the
 * control plane more than others, and a grant that is revoked is over on all instances at once. `bss.enter` asks for it again.
 */

export type GrantState = 'pending' | 'active' | 'expired' | 'revoked';

/** Of `access_grants as g`. */
export const GRANT_STATE = `case
    when g.revoked_at is not null then 'revoked'
    when g.expires_at <= clock_timestamp() then 'expired'
    when g.needs_approval and g.approved_at is null then 'pending'
    else 'active'
  end`;

/** What is going to be done in a tenant, as its trail tells of it. */
export interface Intent {
  readonly operation: string;
  readonly method: string;
  /** The route's pattern, without what was sent. */
  readonly route: string;
  readonly entity?: string;
  /** Members and embedded entities that were asked for, as they were sent. */
  readonly select?: string;
}

/** Characters of what is selected that the trail tells: names, also of embedded entities, and no values. */
const LONGEST_SELECT = 500;

/** Who asks, by which grant, and in which tenant. */
export interface Crossing {
  readonly actor: Actor;
  readonly tenantId: string;
  readonly grant: AccessGrant;
}

interface GrantRow {
  readonly grant_id: string;
  readonly reason: string;
  readonly ticket: string | null;
  readonly entities: readonly string[] | null;
  readonly access: GrantedAccess;
  readonly expires_at: Date;
  readonly state: GrantState;
}

@Injectable()
export class GrantsInForce {
  constructor(private readonly controlPlane: ControlPlane) {}

  /**
   * The actor's own grant, in force.
   * @param id as it was sent @param tenantIds all of which it must name
   * @throws Problem auth/grant-refused (403), in the same words for one that nobody has, that another has, and for other tenants
   */
  async find(actor: Actor, id: string, tenantIds: readonly string[] = []): Promise<AccessGrant> {
    if (!isUuid(id) || !tenantIds.every(isUuid)) throw grantRefused('unknown');
    const [row] = await this.controlPlane.platform(actor, (tx) =>
      tx.run<GrantRow>({ text: FIND, values: [id, actor.subject, JSON.stringify(tenantIds)] }),
    );
    if (!row) throw grantRefused('unknown');
    if (row.state !== 'active') throw grantRefused(row.state);
    const { grant_id: found, reason, ticket, entities, access, expires_at: expiresAt } = row;
    return { id: found, reason, ticket, entities, access, expiresAt };
  }

  /** Ids, in their order. */
  async tenantsOf(actor: Actor, { id }: AccessGrant): Promise<string[]> {
    const rows = await this.controlPlane.platform(actor, (tx) => tx.run<{ tenant_id: string }>({ text: TENANTS, values: [id] }));
    return rows.map((row) => row.tenant_id);
  }

  /**
   * Writes into the tenant's trail what is going to be done; it is committed when this resolves.
   * @throws Problem audit/unavailable (503): nothing may be read then
   */
  async announce({ actor, tenantId, grant }: Crossing, { entity, select, ...intent }: Intent): Promise<void> {
    const { id, reason, ticket, access } = grant;
    const body = JSON.stringify({
      detail: { grant: id, reason, ticket, access, ...intent, select: select?.slice(0, LONGEST_SELECT) },
    });
    try {
      await this.controlPlane.platform(actor, async (tx) => {
        await tx.run({ text: USED, values: [tenantId, id] });
        await tx.run(auditStatement(tenantId, actor, { action: 'access.crossed', entity, body }));
      });
    } catch (cause) {
      const problem = new Problem(
        'audit/unavailable',
        'What is read under a grant is told to the tenant first, and its trail cannot be written. Try again shortly.',
        {},
        { 'Retry-After': '5' },
      );
      problem.cause = cause;
      throw problem;
    }
  }
}

const FIND = `select g.grant_id, g.reason, g.ticket, g.entities, g.access, g.expires_at,
  ${GRANT_STATE} as state
from business_store_service.access_grants as g
where g.grant_id = $1
  and g.requested_by = $2
  and not exists (
    select
    from json_array_elements_text($3::json) as wanted (tenant_id)
    where not exists (
      select
      from business_store_service.access_grant_tenants as t
      where t.tenant_id = wanted.tenant_id::uuid
        and t.grant_id = g.grant_id
    )
  )`;

const TENANTS = `select tenant_id
from business_store_service.access_grant_tenants
where grant_id = $1
order by tenant_id`;

const USED = `update business_store_service.access_grant_tenants
set uses = uses + 1,
    first_used_at = coalesce(first_used_at, now()),
    last_used_at = now()
where tenant_id = $1
  and grant_id = $2`;
