import type { SystemTx } from '../database/control-plane.js';
import { tellOthers } from '../entities/registry-changes.js';
import type { KeyProviderName, KeyPurpose } from '../keys/key-provider.js';
import type { DataKeyRow } from '../keys/key-store.js';

/** What work on keys changes of them. To be asked inside the tenant, as the control plane. */

/** What is written or looked for under which key, from the next transaction on. */
export type EpochChange =
  | { readonly encryptVersion: number }
  | { readonly indexNext: number }
  | { readonly indexVersion: number }
  | { readonly retired: { readonly purpose: KeyPurpose; readonly before: number } };

/**
 * Moves the epoch, behind everybody who writes or looks under the one before: from then on nobody does. Takes a lock that all of them
 * share, so that its caller shall not wait for it for long.
 */
export async function moveEpoch(tx: SystemTx, tenantId: string, change: EpochChange): Promise<void> {
  // First what others may hold for long: nobody who writes waits meanwhile.
  await tellOthers(tx, tenantId);
  await tx.run({ text: 'select bss.lock_keys($1::uuid, true)', values: [tenantId] });
  if ('retired' in change) await retire(tx, tenantId, change.retired.purpose, change.retired.before);
  const { encryptVersion, indexNext, indexVersion } = { ...NOTHING, ...change };
  await tx.run({
    text: `update business_store_service.tenant_keys
set epoch = epoch + 1,
    encrypt_version = coalesce($2, encrypt_version),
    index_next = case when $4::integer is null then coalesce($3, index_next) end,
    index_version = coalesce($4, index_version)
where tenant_id = $1`,
    values: [tenantId, textOrNull(encryptVersion), textOrNull(indexNext), textOrNull(indexVersion)],
  });
}

const NOTHING: { readonly encryptVersion?: number; readonly indexNext?: number; readonly indexVersion?: number } = {};

async function retire(tx: SystemTx, tenantId: string, purpose: KeyPurpose, before: number): Promise<void> {
  await tx.run({
    text: `update business_store_service.data_keys
set retired_at = now()
where tenant_id = $1
  and purpose = $2
  and version < $3
  and retired_at is null
  and destroyed_at is null`,
    values: [tenantId, purpose, String(before)],
  });
}

/** A data key that can be unwrapped, and whether nothing is under it any more. */
export interface WrappedDataKey extends DataKeyRow {
  readonly isRetired: boolean;
}

export async function wrappedKeys(tx: SystemTx, tenantId: string): Promise<WrappedDataKey[]> {
  return tx.run<WrappedDataKey>({
    text: `select purpose, version, provider, key_ref as "keyRef", wrapped, commitment, retired_at is not null as "isRetired"
from business_store_service.data_keys
where tenant_id = $1
  and destroyed_at is null
order by purpose, version`,
    values: [tenantId],
  });
}

/** Somebody who was faster has wrapped the very same key: his stays. */
export async function storeWrapped(
  tx: SystemTx,
  tenantId: string,
  { purpose, version, wrapped: before }: DataKeyRow,
  after: { readonly provider: KeyProviderName; readonly keyRef: string; readonly wrapped: Buffer },
): Promise<void> {
  await tx.run({
    text: `update business_store_service.data_keys
set provider = $4,
    key_ref = $5,
    wrapped = decode($6, 'hex')
where tenant_id = $1
  and purpose = $2
  and version = $3
  and wrapped = decode($7, 'hex')`,
    values: [
      ...[tenantId, purpose, String(version), after.provider, after.keyRef],
      ...[after.wrapped.toString('hex'), before.toString('hex')],
    ],
  });
}

/** From now on new data keys are wrapped there. */
export async function storeProvider(
  tx: SystemTx,
  tenantId: string,
  { provider, keyRef }: { readonly provider: KeyProviderName; readonly keyRef: string },
): Promise<void> {
  await tx.run({
    text: `update business_store_service.tenant_keys
set provider = $2,
    key_ref = $3
where tenant_id = $1`,
    values: [tenantId, provider, keyRef],
  });
  await tellOthers(tx, tenantId);
}

function textOrNull(value: number | undefined): string | null {
  return value === undefined ? null : String(value);
}
