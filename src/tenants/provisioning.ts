import { randomBytes } from 'node:crypto';
import type { SystemTx } from '../database/control-plane.js';
import type { TenantHome } from '../model/entity.js';
import { quoteIdent } from '../model/sql.js';

/**
 * A tenant's home in the database: two roles and a schema, with opaque names because catalogs are readable by everyone.
 * Runs inside the transaction that registers the tenant, so a crash at any statement leaves all or nothing.
 */

export function newHome(tenantId: string): TenantHome {
  const key = randomBytes(8).toString('hex');
  return { tenantId, schema: `t_${key}`, role: `tn_${key}`, ownerRole: `own_${key}` };
}

/** The exact statements, in order. */
export function provisioningSql(home: TenantHome): readonly string[] {
  const [role, owner, schema] = [home.role, home.ownerRole, home.schema].map(quoteIdent);
  return [
    `create role ${role} nologin inherit`,
    `create role ${owner} nologin noinherit`,
    `grant bss_tenant to ${role}`,
    `grant ${role} to bss_app_00`,
    // The second to look at rows, inside the tenant, in the transaction that changes a table.
    `grant ${owner}, ${role} to bss_migrator`,
    `create schema ${schema} authorization ${owner}`,
  ];
}

export async function provision(tx: SystemTx, home: TenantHome): Promise<void> {
  await tx.asMigrator(provisioningSql(home));
  await tx.asOwner(home, [`grant usage on schema ${quoteIdent(home.schema)} to ${quoteIdent(home.role)}`]);
}
