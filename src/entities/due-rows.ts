import type { Actor } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import type { TenantHome } from '../model/entity.js';
import type { TenantDirectory } from '../tenants/tenant-directory.js';

/** Rows of any tenant that a sweep has to do something about, each with where its tenant lives. */
export async function dueRows<T extends { readonly tenant_id: string }>(
  controlPlane: ControlPlane,
  directory: TenantDirectory,
  actor: Actor,
  sql: string,
): Promise<(T & { readonly home: TenantHome })[]> {
  const rows = await controlPlane.platform(actor, (tx) => tx.run<T>({ text: sql, values: [] }));
  const found = await Promise.all(
    rows.map(async (row) => {
      const tenant = await directory.find(row.tenant_id);
      return tenant ? [{ ...row, home: tenant.home }] : [];
    }),
  );
  return found.flat();
}
