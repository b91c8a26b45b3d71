import { type Actor, asService } from '../database/context-token.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import type { TenantKeys } from '../keys/tenant-keys.js';
import type { ServiceBatch } from '../model/plan/batches.js';
import { compileResealing } from '../model/plan/resealing.js';
import { underKeys } from '../model/plan/shadows.js';
import type { Transition } from '../model/plan/transition.js';
import { nullableArrayLiteral } from '../model/query/array-literal.js';
import type { Statement } from '../model/sql.js';
import type { Tenant } from '../tenants/tenant-directory.js';

/** Encrypts or decrypts what records hold, so many at a time: what the database cannot do, since it has no keys. */

/** Some 10 ms of the event loop, at two fields. */
export const SEALED_BATCH_ROWS = 500;

export interface Resealed {
  readonly rows: number;
  readonly lastId: string;
}

export interface ResealingShop {
  readonly pool: RuntimePool;
  readonly keys: TenantKeys;
}

/**
 * One transaction. Keys are open before it begins; where they have changed since, it is done again.
 * @returns null when no record behind `lastId` needs it
 * @throws Problem key/unavailable, key/destroyed
 */
export async function resealRows(
  { pool, keys }: ResealingShop,
  { tenant, entityId, actor, t }: { tenant: Tenant; entityId: string; actor: Actor; t: Transition },
  service: ServiceBatch,
  { lastId, most }: { readonly lastId: string; readonly most: number },
): Promise<Resealed | null> {
  return keys.having(tenant, async () => {
    const open = underKeys(t, entityId, await keys.open(tenant));
    const reseal = compileResealing(open, service);
    return TenantTx.run(pool, tenant.home, asService(actor), { readOnly: false }, async (tx) => {
      const rows = await tx.query({ text: service.read, values: [tenant.id, lastId, String(most)] });
      const last = rows.at(-1)?.[0];
      if (typeof last !== 'string') return null;
      const sealed = rows.map((row) => ({ row, texts: reseal(row) }));
      const columns = service.fills.map((_, index) => nullableArrayLiteral(sealed, ({ texts }) => texts[index] ?? null));
      const [ids, revisions] = [0, 1].map((at) => nullableArrayLiteral(sealed, ({ row }) => row[at] ?? null));
      const values = [tenant.id, ids as string, revisions as string, ...columns];
      await tx.last({ text: service.write, values, ...keysOf(open, service) });
      return { rows: rows.length, lastId: last };
    });
  });
}

/** Under which epoch cells are written, if any are. */
function keysOf({ after }: Transition, { fills }: ServiceBatch): Pick<Statement, 'keys'> {
  const written = after.properties.filter(({ name, encrypted }) => encrypted && fills.some(({ property }) => property === name));
  const epoch = written[0]?.encrypted?.cipher?.epoch;
  return epoch === undefined ? {} : { keys: epoch };
}
