import type { TenantRole } from '../access/tenant-role.js';
import type { Statement } from '../model/sql.js';

/** The statements over the roles that tenants make, for `RolesService`. All of them name the tenant, beside the policy that does. */

export interface TenantRoleRow extends TenantRole {
  readonly created_at: Date;
  readonly updated_at: Date;
}

const SHOWN = 'name, description, inherits, permissions, created_at, updated_at';

/** By name, in the order of the bytes. */
export function listStatement(tenantId: string): Statement {
  return {
    text: `select ${SHOWN}
from business_store_service.tenant_roles
where tenant_id = $1
order by name collate "C"`,
    values: [tenantId],
  };
}

export function findStatement(tenantId: string, name: string): Statement {
  return {
    text: `select ${SHOWN}
from business_store_service.tenant_roles
where tenant_id = $1
  and name = $2`,
    values: [tenantId, name],
  };
}

/** Made, or replaced. */
export function putStatement(tenantId: string, { name, description, inherits, permissions }: TenantRole): Statement {
  return {
    text: `insert into business_store_service.tenant_roles as r (tenant_id, name, description, inherits, permissions)
values ($1, $2, $3, array(select json_array_elements_text($4::json)), array(select json_array_elements_text($5::json)))
on conflict (tenant_id, name) do update
set description = excluded.description,
  inherits = excluded.inherits,
  permissions = excluded.permissions,
  updated_at = now()
returning ${SHOWN.replaceAll(/\w+/g, (column) => `r.${column}`)}`,
    values: [tenantId, name, description, JSON.stringify(inherits), JSON.stringify(permissions)],
  };
}

export function deleteStatement(tenantId: string, name: string): Statement {
  return {
    text: `delete from business_store_service.tenant_roles
where tenant_id = $1
  and name = $2`,
    values: [tenantId, name],
  };
}

/** One change of the tenant's roles at a time: the lock on its registry row. */
export function lockStatement(tenantId: string): Statement {
  return {
    text: `select
from business_store_service.tenants
where id = $1
for update`,
    values: [tenantId],
  };
}

/** So that every instance reads the tenant anew. */
export function touchStatement(tenantId: string): Statement {
  return {
    text: `update business_store_service.tenants
set changed_at = clock_timestamp()
where id = $1`,
    values: [tenantId],
  };
}

/** Keys that hold and have the role. */
export function countKeysStatement(tenantId: string, role: string): Statement {
  return {
    text: `select count(*)::integer as keys
from business_store_service.api_keys
where tenant_id = $1
  and $2 = any (roles)
  and revoked_at is null
  and (expires_at is null or expires_at > now())`,
    values: [tenantId, role],
  };
}
