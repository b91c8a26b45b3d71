import type { SystemTx } from '../database/control-plane.js';

/** Which packs a tenant has, and which of its entities are theirs. In the tenant's context or the platform's. */

export interface TenantPack {
  readonly name: string;
  readonly version: string;
  readonly installedAt: Date;
  readonly updatedAt: Date;
}

/** What an upgrade starts from. */
export interface PackState {
  /** Of the pack; null when the tenant does not have it. */
  readonly version: string | null;
  readonly entities: readonly PackEntityState[];
  /** Of all entities of the tenant. */
  readonly names: readonly string[];
}

/** An entity of a pack as a tenant has it. */
export interface PackEntityState {
  readonly name: string;
  /** Of its document. */
  readonly version: number;
  /** JSON text of the document in force. */
  readonly text: string;
  /** JSON text of what is the tenant's own. */
  readonly additions: string;
}

export async function readTenantPacks(tx: SystemTx, tenantId: string): Promise<TenantPack[]> {
  return tx.run<TenantPack>({
    text: `select pack as name, version, installed_at as "installedAt", updated_at as "updatedAt"
from business_store_service.tenant_packs
where tenant_id = $1
order by pack`,
    values: [tenantId],
  });
}

export async function insertTenantPack(tx: SystemTx, tenantId: string, pack: string, version: string): Promise<void> {
  await tx.run({
    text: `insert into business_store_service.tenant_packs (tenant_id, pack, version)
values ($1, $2, $3)`,
    values: [tenantId, pack, version],
  });
}

/** In one statement: a rollout asks it of every tenant. */
export async function readPackState(tx: SystemTx, tenantId: string, pack: string): Promise<PackState> {
  const [state] = await tx.run<PackState>({
    text: `select
  (
    select p.version
    from business_store_service.tenant_packs as p
    where p.tenant_id = $1
      and p.pack = $2
  ) as version,
  coalesce(
    json_agg(
      json_build_object('name', s.name, 'version', s.version, 'text', s.document::text, 'additions', coalesce(s.additions, '{}')::text)
    ) filter (where s.pack = $2),
    '[]'
  ) as entities,
  coalesce(json_agg(s.name), '[]') as names
from business_store_service.tenant_schemas as s
where s.tenant_id = $1
  and s.dropped_at is null`,
    values: [tenantId, pack],
  });
  return state as PackState;
}

/** Those of the names that the tenant has in use. */
export async function takenNames(tx: SystemTx, tenantId: string, names: readonly string[]): Promise<string[]> {
  const rows: { name: string }[] = await tx.manager.query(
    `select name
from business_store_service.tenant_schemas
where tenant_id = $1
  and name = any ($2::text[])
  and dropped_at is null
order by name`,
    [tenantId, names],
  );
  return rows.map(({ name }) => name);
}

/**
 * The tenant has the pack in this version from now on. Entities whose documents are the same in both versions follow; those that
 * are not in `entities` are the tenant's own from now on, with everything in them.
 */
export async function moveTenantPack(
  tx: SystemTx,
  tenantId: string,
  { pack, version, entities }: { readonly pack: string; readonly version: string; readonly entities: readonly string[] },
): Promise<void> {
  await tx.manager.query(
    `with moved as (
  update business_store_service.tenant_schemas
  set pack = case when name = any ($4::text[]) then pack end,
      pack_version = case when name = any ($4::text[]) then $3 end,
      additions = case when name = any ($4::text[]) then additions end
  where tenant_id = $1
    and pack = $2
    and pack_version <> $3
    and dropped_at is null
), noted as (
  update business_store_service.tenant_packs
  set version = $3,
      updated_at = now()
  where tenant_id = $1
    and pack = $2
)
update business_store_service.tenants
set changed_at = clock_timestamp()
where id = $1`,
    [tenantId, pack, version, entities],
  );
}
