import type { Actor } from '../database/context-token.js';
import type { ControlPlane, TenantQuery } from '../database/control-plane.js';
import type { TenantHome } from '../model/entity.js';
import { quoteIdent } from '../model/sql.js';

/** What a tenant's role may not do with a table by itself, such as changing what is past. */
export interface LentRights {
  /** Qualified and quoted. */
  readonly table: string;
  /** Privileges, as GRANT names them. */
  readonly rights: string;
}

/** Works inside the tenant with these rights: they are given and taken in the one transaction, and no other ever sees them. */
export async function withLentRights<T>(
  controlPlane: ControlPlane,
  actor: Actor,
  home: TenantHome,
  { table, rights }: LentRights,
  work: (query: TenantQuery) => Promise<T>,
): Promise<T> {
  const role = quoteIdent(home.role);
  return controlPlane.inTenant(actor, home, async (tx) => {
    // A grant locks nothing: whoever hides or shows the table meanwhile would meet it half done.
    await tx.asOwner(home, [`lock table ${table} in row exclusive mode`, `grant ${rights} on table ${table} to ${role}`]);
    const result = await tx.asTenant(home, actor, work);
    await tx.asOwner(home, [`revoke ${rights} on table ${table} from ${role}`]);
    return result;
  });
}
