import { type Actor, asService } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { TenantKeys } from '../keys/tenant-keys.js';
import { compilePastSealing } from '../model/past/past-sealing.js';
import type { PastBatch } from '../model/plan/batches.js';
import type { VersionStep } from '../model/plan/lineage.js';
import { nullableArrayLiteral } from '../model/query/array-literal.js';
import type { Keyring } from '../model/sealed/keyring.js';
import { withCiphers } from '../model/sealed/with-ciphers.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { withLentRights } from './lent-rights.js';
import { SEALED_BATCH_ROWS } from './service-backfill.js';
import { readVersion, stepOf, VERSION_COLUMNS } from './stored-versions.js';

/** Encrypts what former versions and deleted records hold, so many at a time, when a change has encrypted it in the records. */

export interface PastShop {
  readonly controlPlane: ControlPlane;
  readonly pool: RuntimePool;
  readonly keys: TenantKeys;
}

interface PastOwner {
  readonly tenant: Tenant;
  readonly entityId: string;
  readonly actor: Actor;
}

/** Id, end and revision of a row of the past. */
export type PastPlace = readonly [id: string, endedAt: string, revision: string];

export const BEFORE_ALL: PastPlace = ['00000000-0000-0000-0000-000000000000', '-infinity', '0'];

/** Of an entity, up to the version in force: no other change of it begins before the past is encrypted. */
export async function versionsOf(pool: RuntimePool, { tenant, entityId, actor }: PastOwner): Promise<readonly VersionStep[]> {
  const rows = await TenantTx.run(pool, tenant.home, asService(actor), { readOnly: true }, (tx) =>
    tx.last({
      text: `select ${VERSION_COLUMNS}
from business_store_service.entity_versions
where tenant_id = $1
  and entity_id = $2
order by version`,
      values: [tenant.id, entityId],
    }),
  );
  const versions = rows.map(readVersion);
  const name = versions.at(-1)?.name ?? '';
  return versions.map((version) => stepOf(name, version));
}

/**
 * Two transactions: one reads, one writes what is still as it was read. Keys are open before; where they have changed since, it is done
 * again.
 * @returns null when no row behind `after` holds anything in plain text
 * @throws Problem key/unavailable
 */
export async function sealPastRows(
  { controlPlane, pool, keys }: PastShop,
  { tenant, entityId, actor }: PastOwner,
  steps: readonly VersionStep[],
  batch: PastBatch,
  after: PastPlace,
): Promise<{ readonly rows: number; readonly last: PastPlace } | null> {
  const { home, id: tenantId } = tenant;
  return keys.having(tenant, async () => {
    const ring = await ringOf(keys, tenant);
    const sealing = compilePastSealing(steps, ring && ((entity) => withCiphers(entity, entityId, ring)));
    const values = [tenantId, ...after, sealing.columns, sealing.subjects, String(SEALED_BATCH_ROWS)];
    const page = await TenantTx.run(pool, home, asService(actor), { readOnly: true }, (tx) =>
      tx.last({ text: batch.read, values }),
    );
    if (page.length === 0) return null;
    const rows = page.map(([id, endedAt, revision, version, subject, subjectNow, json]) => {
      const plain = JSON.parse(json as string) as Record<string, string>;
      const about = { subject: subject ?? null, subjectNow: subjectNow ?? null };
      const cells = sealing.sealed({ id: id as string, version: Number(version), plain, ...about });
      const at = [id, endedAt, revision] as string[] as unknown as PastPlace;
      return { at, plain: JSON.stringify(Object.keys(plain)), cells: JSON.stringify(cells) };
    });
    const arrays = [
      ...[0, 1, 2].map((index) => nullableArrayLiteral(rows, ({ at }) => at[index] as string)),
      nullableArrayLiteral(rows, ({ plain }) => plain),
      nullableArrayLiteral(rows, ({ cells }) => cells),
    ];
    await withLentRights(controlPlane, actor, home, { table: batch.table, rights: 'update (body)' }, async (query) => {
      if (ring) await query({ text: 'select bss.assert_keys($1::integer)', values: [String(ring.epoch)] });
      await query({ text: batch.write, values: [tenantId, ...arrays] });
    });
    return { rows: rows.length, last: (rows.at(-1) as { at: PastPlace }).at };
  });
}

/** null: the tenant's keys are destroyed. What is to be under them must not outlive them in plain text. */
async function ringOf(keys: TenantKeys, tenant: Tenant): Promise<Keyring | null> {
  try {
    return await keys.open(tenant);
  } catch (error) {
    if (error instanceof Problem && error.code === 'key/destroyed') return null;
    throw error;
  }
}
