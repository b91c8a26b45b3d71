import type { SystemTx } from '../database/control-plane.js';
import type { KeyProviderName, KeyPurpose } from '../keys/key-provider.js';

/** A tenant's keys as they are shown, and as they are destroyed. To be asked inside the tenant, as the control plane. */

export interface TenantKeysRow {
  readonly provider: KeyProviderName;
  readonly keyRef: string;
  readonly epoch: number;
  readonly encryptVersion: number;
  readonly indexVersion: number;
  readonly indexNext: number | null;
  readonly createdAt: Date;
  readonly destroyedAt: Date | null;
  /** JSON text of a `KeptReceipt`; null: there is none yet. */
  readonly receipt: string | null;
}

export interface DataKeysRow {
  readonly purpose: KeyPurpose;
  readonly version: number;
  readonly provider: KeyProviderName;
  readonly keyRef: string;
  readonly wrapped: Buffer | null;
  readonly commitment: Buffer;
  readonly createdAt: Date;
  readonly retiredAt: Date | null;
  readonly destroyedAt: Date | null;
}

/** undefined: nothing was ever encrypted. */
export async function tenantKeysOf(tx: SystemTx, tenantId: string, lock = false): Promise<TenantKeysRow | undefined> {
  return tx.first<TenantKeysRow>({
    text: `select provider, key_ref as "keyRef", epoch, encrypt_version as "encryptVersion", index_version as "indexVersion",
  index_next as "indexNext", created_at as "createdAt", destroyed_at as "destroyedAt", receipt
from business_store_service.tenant_keys
where tenant_id = $1${lock ? '\nfor update' : ''}`,
    values: [tenantId],
  });
}

export async function dataKeysOf(tx: SystemTx, tenantId: string): Promise<DataKeysRow[]> {
  return tx.run<DataKeysRow>({
    text: `select purpose, version, provider, key_ref as "keyRef", wrapped, commitment, created_at as "createdAt",
  retired_at as "retiredAt", destroyed_at as "destroyedAt"
from business_store_service.data_keys
where tenant_id = $1
order by purpose, version`,
    values: [tenantId],
  });
}

/** Whoever writes under the keys, or looks for something with them, has ended when this returns. */
export async function lockKeys(tx: SystemTx, tenantId: string): Promise<void> {
  await tx.run({ text: 'select bss.lock_keys($1, true)', values: [tenantId] });
}

export async function destroyTenantKeys(tx: SystemTx, tenantId: string): Promise<Date> {
  const row = await tx.first<{ destroyedAt: Date }>({
    text: `update business_store_service.tenant_keys
set destroyed_at = now(),
    epoch = epoch + 1
where tenant_id = $1
returning destroyed_at as "destroyedAt"`,
    values: [tenantId],
  });
  return (row as { destroyedAt: Date }).destroyedAt;
}

export async function destroyDataKeys(tx: SystemTx, tenantId: string): Promise<void> {
  await tx.run({
    text: `update business_store_service.data_keys
set wrapped = null,
    destroyed_at = now()
where tenant_id = $1
  and destroyed_at is null`,
    values: [tenantId],
  });
}

/** Of those whom records are about: their keys, and who they are. */
export async function destroySubjectKeys(tx: SystemTx, tenantId: string): Promise<void> {
  await tx.run({
    text: `update business_store_service.subject_keys
set subject = null,
    sealed = null,
    destroyed_at = now()
where tenant_id = $1
  and destroyed_at is null`,
    values: [tenantId],
  });
}

export async function countSubjectKeys(tx: SystemTx, tenantId: string): Promise<number> {
  const row = await tx.first<{ keys: string }>({
    text: `select count(*) as keys
from business_store_service.subject_keys
where tenant_id = $1`,
    values: [tenantId],
  });
  return Number(row?.keys ?? 0);
}

/** false: somebody was faster. */
export async function keepReceipt(tx: SystemTx, tenantId: string, receipt: string): Promise<boolean> {
  const kept = await tx.first({
    text: `update business_store_service.tenant_keys
set receipt = $2
where tenant_id = $1
  and destroyed_at is not null
  and receipt is null
returning tenant_id`,
    values: [tenantId, receipt],
  });
  return kept !== undefined;
}

/** As the platform. */
export async function isUsedByOthers(tx: SystemTx, tenantId: string, provider: string, keyRef: string): Promise<boolean> {
  const row = await tx.first<{ used: boolean }>({
    text: `select exists (
  select
  from business_store_service.data_keys
  where tenant_id <> $1
    and provider = $2
    and key_ref = $3
    and destroyed_at is null
) as used`,
    values: [tenantId, provider, keyRef],
  });
  return row?.used === true;
}

/** As the platform: tenants whose keys are destroyed here, but maybe not at their provider. Whoever has just begun goes on by itself. */
export async function unfinishedDestructions(tx: SystemTx, seconds: number): Promise<string[]> {
  const rows = await tx.run<{ tenantId: string }>({
    text: `select tenant_id as "tenantId"
from business_store_service.tenant_keys
where destroyed_at < now() - make_interval(secs => $1)
  and receipt is null
order by destroyed_at
limit 100`,
    values: [String(seconds)],
  });
  return rows.map(({ tenantId }) => tenantId);
}

/** Keys that have ever wrapped the tenant's, of whichever provider: backups hold what each of them has wrapped. */
export async function wrappingKeysOf(tx: SystemTx, tenantId: string): Promise<WrappingKey[]> {
  return tx.run<WrappingKey>({
    text: `select provider, key_ref as "keyRef"
from business_store_service.tenant_keys
where tenant_id = $1
union
select provider, key_ref
from business_store_service.data_keys
where tenant_id = $1
union
select former_provider, former_key_ref
from business_store_service.key_jobs
where tenant_id = $1
  and former_key_ref is not null
union
select provider, key_ref
from business_store_service.key_jobs
where tenant_id = $1
  and kind = 'move'
order by 1, 2`,
    values: [tenantId],
  });
}

export interface WrappingKey {
  readonly provider: KeyProviderName;
  readonly keyRef: string;
}

/** Whoever works on them finds that it has lost them. */
export async function endKeyJobs(tx: SystemTx, tenantId: string, error: object): Promise<void> {
  await tx.run({
    text: `update business_store_service.key_jobs
set status = 'failed',
    error = $2::json,
    position = null,
    finished_at = now(),
    holder = null,
    held_until = null
where tenant_id = $1
  and status = 'running'`,
    values: [tenantId, JSON.stringify(error)],
  });
}
