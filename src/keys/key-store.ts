import type { SystemTx } from '../database/control-plane.js';
import type { KeyProviderName, KeyPurpose } from './key-provider.js';

/** What the database keeps of a tenant's keys. To be asked inside the tenant, as the control plane. */

export interface TenantKeyRow {
  readonly epoch: number;
  readonly provider: KeyProviderName;
  readonly keyRef: string;
  readonly encryptVersion: number;
  readonly indexVersion: number;
  readonly indexNext: number | null;
  readonly destroyedAt: Date | null;
}

export interface DataKeyRow {
  readonly purpose: KeyPurpose;
  readonly version: number;
  readonly provider: KeyProviderName;
  readonly keyRef: string;
  readonly wrapped: Buffer;
  readonly commitment: Buffer;
}

export interface StoredKeys {
  readonly tenant: TenantKeyRow;
  /** Those that anything may still be under. */
  readonly data: readonly DataKeyRow[];
}

/** undefined: the tenant has none yet. */
export async function readKeys(tx: SystemTx, tenantId: string): Promise<StoredKeys | undefined> {
  const tenant = await tx.first<TenantKeyRow>({
    text: `select epoch, provider, key_ref as "keyRef", encrypt_version as "encryptVersion", index_version as "indexVersion",
  index_next as "indexNext", destroyed_at as "destroyedAt"
from business_store_service.tenant_keys
where tenant_id = $1`,
    values: [tenantId],
  });
  if (!tenant) return undefined;
  const data = await tx.run<DataKeyRow>({
    text: `select purpose, version, provider, key_ref as "keyRef", wrapped, commitment
from business_store_service.data_keys
where tenant_id = $1
  and retired_at is null
  and destroyed_at is null
order by purpose, version`,
    values: [tenantId],
  });
  return { tenant, data };
}

/** false: somebody was faster. */
export async function insertTenantKeys(
  tx: SystemTx,
  tenantId: string,
  { provider, keyRef }: Pick<TenantKeyRow, 'provider' | 'keyRef'>,
): Promise<boolean> {
  const made = await tx.first({
    text: `insert into business_store_service.tenant_keys (tenant_id, provider, key_ref)
values ($1, $2, $3)
on conflict do nothing
returning tenant_id`,
    values: [tenantId, provider, keyRef],
  });
  return made !== undefined;
}

export async function insertDataKey(tx: SystemTx, tenantId: string, key: DataKeyRow): Promise<void> {
  const { purpose, version, provider, keyRef, wrapped, commitment } = key;
  await tx.run({
    text: `insert into business_store_service.data_keys (tenant_id, purpose, version, provider, key_ref, wrapped, commitment)
values ($1, $2, $3, $4, $5, decode($6, 'hex'), decode($7, 'hex'))`,
    values: [tenantId, purpose, String(version), provider, keyRef, wrapped.toString('hex'), commitment.toString('hex')],
  });
}
