import type { Statement } from '../model/sql.js';

/** The statements over API keys, for `ApiKeysService`. All of them name the tenant, beside the policy that does. */

/** A key without its secret, as it is shown. */
export interface ApiKeyRow {
  readonly key_id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly scopes: readonly string[] | null;
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
  /** Until then the secret before the last rotation holds. */
  readonly former_until: Date | null;
}

const SHOWN = 'key_id, name, roles, scopes, created_at, created_by, expires_at, last_used_at, revoked_at, former_until';

export interface NewApiKey {
  readonly id: string;
  readonly name: string;
  readonly hash: Buffer;
  readonly roles: readonly string[];
  readonly scopes: readonly string[] | null;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
}

export function insertStatement(tenantId: string, key: NewApiKey): Statement {
  return {
    text: `insert into business_store_service.api_keys (tenant_id, key_id, name, secret_hash, roles, scopes, created_by, expires_at)
values ($1, $2, $3, $4::bytea, array(select json_array_elements_text($5::json)),
  case when $6::json is not null then array(select json_array_elements_text($6::json)) end, $7, $8::timestamptz)
returning ${SHOWN}`,
    values: [
      ...[tenantId, key.id, key.name, hexOf(key.hash), JSON.stringify(key.roles)],
      ...[key.scopes && JSON.stringify(key.scopes), key.createdBy, key.expiresAt?.toISOString() ?? null],
    ],
  };
}

/** In order of creation. */
export function listStatement(tenantId: string, after: string | null, limit: number): Statement {
  return {
    text: `select ${SHOWN}
from business_store_service.api_keys
where tenant_id = $1
  and ($2::uuid is null or key_id > $2::uuid)
order by key_id
limit $3::bigint`,
    values: [tenantId, after, String(limit)],
  };
}

export function findStatement(tenantId: string, id: string): Statement {
  return {
    text: `select ${SHOWN}
from business_store_service.api_keys
where tenant_id = $1
  and key_id = $2`,
    values: [tenantId, id],
  };
}

/** Only a key that holds: nothing is returned of another. */
export function rotateStatement(tenantId: string, id: string, hash: Buffer, overlapSeconds: number): Statement {
  return {
    text: `update business_store_service.api_keys
set former_secret_hash = case when $4::integer > 0 then secret_hash end,
  former_until = case when $4::integer > 0 then now() + make_interval(secs => $4::integer) end,
  secret_hash = $3::bytea
where tenant_id = $1
  and key_id = $2
  and revoked_at is null
  and (expires_at is null or expires_at > now())
returning ${SHOWN}`,
    values: [tenantId, id, hexOf(hash), String(overlapSeconds)],
  };
}

/** Nothing is returned of a key that is revoked already. */
export function revokeStatement(tenantId: string, id: string): Statement {
  return {
    text: `update business_store_service.api_keys
set revoked_at = now()
where tenant_id = $1
  and key_id = $2
  and revoked_at is null
returning ${SHOWN}`,
    values: [tenantId, id],
  };
}

function hexOf(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}
