import type { SystemTx } from '../database/control-plane.js';

/** Keys of those whom records are about, as they are destroyed. To be asked inside the tenant, as the control plane. */

/** A UUID; undefined: nothing was ever encrypted of this subject, or not since its key was destroyed. */
export async function subjectKeyOf(tx: SystemTx, tenantId: string, subject: string): Promise<string | undefined> {
  const row = await tx.first<{ keyId: string }>({
    text: `select key_id as "keyId"
from business_store_service.subject_keys
where tenant_id = $1
  and subject = $2`,
    values: [tenantId, subject],
  });
  return row?.keyId;
}

export async function destroySubjectKey(tx: SystemTx, tenantId: string, keyId: string): Promise<Date | undefined> {
  const row = await tx.first<{ destroyedAt: Date }>({
    text: `update business_store_service.subject_keys
set subject = null,
    sealed = null,
    destroyed_at = now()
where tenant_id = $1
  and key_id = $2
  and destroyed_at is null
returning destroyed_at as "destroyedAt"`,
    values: [tenantId, keyId],
  });
  return row?.destroyedAt;
}

/** What is written or looked for from now on is so without it. */
export async function moveEpochOn(tx: SystemTx, tenantId: string): Promise<void> {
  await tx.run({
    text: `update business_store_service.tenant_keys
set epoch = epoch + 1
where tenant_id = $1`,
    values: [tenantId],
  });
}

/** UUIDs of destroyed keys whose values still lie about. */
export async function unerasedSubjects(tx: SystemTx, tenantId: string): Promise<string[]> {
  const rows = await tx.run<{ keyId: string }>({
    text: `select key_id as "keyId"
from business_store_service.subject_keys
where tenant_id = $1
  and destroyed_at is not null
  and erased_at is null
order by destroyed_at
limit 1000`,
    values: [tenantId],
  });
  return rows.map(({ keyId }) => keyId);
}

/** Tenants with such keys: in the platform's own context. */
export async function tenantsWithUnerased(tx: SystemTx): Promise<string[]> {
  const rows = await tx.run<{ tenantId: string }>({
    text: `select distinct s.tenant_id as "tenantId"
from business_store_service.subject_keys as s
join business_store_service.tenant_keys as t using (tenant_id)
where s.destroyed_at < now() - interval '1 minute'
  and s.erased_at is null
  and t.destroyed_at is null
limit 100`,
    values: [],
  });
  return rows.map(({ tenantId }) => tenantId);
}

export async function noteErased(tx: SystemTx, tenantId: string, keyIds: readonly string[]): Promise<void> {
  await tx.run({
    text: `update business_store_service.subject_keys
set erased_at = now()
where tenant_id = $1
  and key_id = any($2::uuid[])`,
    values: [tenantId, `{${keyIds.join(',')}}`],
  });
}
