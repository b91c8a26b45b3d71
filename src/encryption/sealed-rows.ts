import type { Actor } from '../database/context-token.js';
import type { ControlPlane, SystemTx } from '../database/control-plane.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import type { Row } from '../database/statement-batch.js';
import { TenantTx } from '../database/tenant-tx.js';
import { withLentRights } from '../entities/lent-rights.js';
import type { TenantHome } from '../model/entity.js';
import type { Statement } from '../model/sql.js';
import type { SealedTable } from './sealed-table.js';

/**
 * How rows are reached that hold something encrypted: those of a tenant inside the tenant, under its own role. Each statement proves that
 * it was made under the keys of today.
 */
export class SealedRows {
  /** @param actor as the service: every row counts */
  constructor(
    private readonly tools: { readonly controlPlane: ControlPlane; readonly pool: RuntimePool },
    private readonly home: TenantHome,
    private readonly actor: Actor,
  ) {}

  async read(table: SealedTable, statement: Statement): Promise<readonly Row[]> {
    const { lent } = table;
    if (lent === null) return this.asControlPlane(statement);
    return lent.toRead === null ? this.asTenant(statement, true) : this.lending(table, lent.toRead, statement);
  }

  async write(table: SealedTable, statement: Statement): Promise<readonly Row[]> {
    const { lent } = table;
    if (lent === null) return this.asControlPlane(statement);
    return lent.toWrite === null ? this.asTenant(statement, false) : this.lending(table, lent.toWrite, statement);
  }

  private async asTenant(statement: Statement, readOnly: boolean): Promise<readonly Row[]> {
    return TenantTx.run(this.tools.pool, this.home, this.actor, { readOnly }, (tx) => tx.last(statement));
  }

  private async lending({ table }: SealedTable, rights: string, statement: Statement): Promise<readonly Row[]> {
    return withLentRights(this.tools.controlPlane, this.actor, this.home, { table, rights }, async (query) => {
      await query(assertKeys(statement));
      return query(statement);
    });
  }

  private async asControlPlane(statement: Statement): Promise<readonly Row[]> {
    return this.inTenant(async (tx) => {
      await tx.run(assertKeys(statement));
      const rows = await tx.run<Record<string, string | null>>(statement);
      return rows.map((row) => Object.values(row));
    });
  }

  private async inTenant<T>(work: (tx: SystemTx) => Promise<T>): Promise<T> {
    return this.tools.controlPlane.inTenant(this.actor, this.home, work);
  }
}

function assertKeys({ keys }: Statement): Statement {
  return { text: 'select bss.assert_keys($1::integer)', values: [String(keys)] };
}
