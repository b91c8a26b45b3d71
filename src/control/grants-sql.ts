import type { GrantedAccess } from '../access/grant.js';
import { GRANT_STATE, type GrantState } from '../access/grants-in-force.js';
import type { Statement } from '../model/sql.js';

/** The statements over access grants, for `GrantsService`: in the platform's context, but those of one tenant. */

export interface GrantRow {
  readonly grant_id: string;
  readonly requested_by: string;
  readonly reason: string;
  readonly ticket: string | null;
  readonly entities: readonly string[] | null;
  readonly access: GrantedAccess;
  readonly needs_approval: boolean;
  readonly state: GrantState;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly approved_by: string | null;
  readonly approved_at: Date | null;
  readonly revoked_by: string | null;
  readonly revoked_at: Date | null;
  /** In all tenants, or in the one whose context it is. */
  readonly uses: string;
  readonly last_used_at: Date | null;
}

/** With the ids of the tenants that it names. */
export type PlatformGrantRow = GrantRow & { readonly tenants: readonly string[] };

const SHOWN = `g.grant_id, g.requested_by, g.reason, g.ticket, g.entities, g.access, g.needs_approval, g.created_at, g.expires_at,
  g.approved_by, g.approved_at, g.revoked_by, g.revoked_at,
  ${GRANT_STATE} as state`;

export interface NewGrant {
  readonly id: string;
  readonly requestedBy: string;
  readonly reason: string;
  readonly ticket: string | null;
  readonly entities: readonly string[] | null;
  readonly access: GrantedAccess;
  readonly needsApproval: boolean;
  readonly minutes: number;
}

export function insertGrant(grant: NewGrant): Statement {
  return {
    text: `insert into business_store_service.access_grants
  (grant_id, requested_by, reason, ticket, entities, access, needs_approval, expires_at)
values ($1, $2, $3, $4,
  case when $5::json is not null then array(select json_array_elements_text($5::json)) end,
  $6, $7::boolean, now() + make_interval(mins => $8::integer))`,
    values: [
      ...[grant.id, grant.requestedBy, grant.reason, grant.ticket, grant.entities && JSON.stringify(grant.entities)],
      ...[grant.access, String(grant.needsApproval), String(grant.minutes)],
    ],
  };
}

export function insertGrantTenants(id: string, tenantIds: readonly string[]): Statement {
  return {
    text: `insert into business_store_service.access_grant_tenants (tenant_id, grant_id)
select tenant_id::uuid, $1
from json_array_elements_text($2::json) as named (tenant_id)`,
    values: [id, JSON.stringify(tenantIds)],
  };
}

/** Of the ids, those that a tenant has. */
export function existingTenants(tenantIds: readonly string[]): Statement {
  return {
    text: `select id
from business_store_service.tenants
where id = any (array(select json_array_elements_text($1::json)::uuid))`,
    values: [JSON.stringify(tenantIds)],
  };
}

/** Newest first. */
export function listGrants(after: string | null, limit: number): Statement {
  return {
    text: `select ${SHOWN}, t.tenants, t.uses, t.last_used_at
from business_store_service.access_grants as g
${NAMED}
where $1::uuid is null
   or g.grant_id < $1::uuid
order by g.grant_id desc
limit $2::bigint`,
    values: [after, String(limit)],
  };
}

export function findGrant(id: string): Statement {
  return {
    text: `select ${SHOWN}, t.tenants, t.uses, t.last_used_at
from business_store_service.access_grants as g
${NAMED}
where g.grant_id = $1`,
    values: [id],
  };
}

const NAMED = `cross join lateral (
  select array_agg(named.tenant_id order by named.tenant_id) as tenants, sum(named.uses) as uses, max(named.last_used_at) as last_used_at
  from business_store_service.access_grant_tenants as named
  where named.grant_id = g.grant_id
) as t`;

/** Those that name the tenant, newest first: in its own context. */
export function listGrantsOf(tenantId: string, after: string | null, limit: number): Statement {
  return {
    text: `select ${SHOWN}, t.uses, t.last_used_at
from business_store_service.access_grant_tenants as t
join business_store_service.access_grants as g on g.grant_id = t.grant_id
where t.tenant_id = $1
  and ($2::uuid is null or t.grant_id < $2::uuid)
order by t.grant_id desc
limit $3::bigint`,
    values: [tenantId, after, String(limit)],
  };
}

/** So that two who decide on it do so one after the other. */
export function lockGrant(id: string): Statement {
  return {
    text: `select grant_id
from business_store_service.access_grants
where grant_id = $1
for no key update`,
    values: [id],
  };
}

export function approveGrant(id: string, subject: string): Statement {
  return {
    text: `update business_store_service.access_grants
set approved_by = $2,
    approved_at = now()
where grant_id = $1`,
    values: [id, subject],
  };
}

export function revokeGrant(id: string, subject: string): Statement {
  return {
    text: `update business_store_service.access_grants
set revoked_by = $2,
    revoked_at = now()
where grant_id = $1`,
    values: [id, subject],
  };
}
