import { setTimeout as wait } from 'node:timers/promises';
import { type Actor, asService } from '../database/context-token.js';
import type { ControlPlane } from '../database/control-plane.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import { meetsChangedTable } from '../database/sqlstate.js';
import type { TenantKeys } from '../keys/tenant-keys.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { Position } from './key-job-store.js';
import { renewedRows } from './renewed-rows.js';
import { SealedRows } from './sealed-rows.js';
import { countStatement, renewStatement, type SealedTable, staleRowsStatement, UnknownField } from './sealed-table.js';
import { sealedTables } from './sealed-tables.js';

/**
 * Brings everything that is stored of a tenant under the keys that are written now, while everybody works on: whatever is read in between
 * is under keys that are open. It is over when one look at all of it, from the first row to the last, finds nothing left to do.
 */

export interface SweepTools {
  readonly controlPlane: ControlPlane;
  readonly pool: RuntimePool;
  readonly keys: TenantKeys;
  /** @throws what ends the sweep */
  readonly assertWanted: () => void;
}

/** Told after each step: where it goes on, and how many values were written anew. */
export type OnStep = (position: Position, renewed: number) => Promise<void>;

/** Of the time a batch took, how long the others have the tables to themselves. */
const PAUSE_RATIO = 0.5;

/** Before rows are looked at again that somebody was writing. */
const BUSY_PAUSE_MS = 200;

/** How often in a row the definitions may have changed while everything was looked at. */
const MOST_CHANGES = 25;

/** Named of values that do not open. */
const SAMPLE = 5;

/** What a look at everything, or at the rest of it, found. */
interface Round {
  renewed: number;
  /** Rows that somebody else was writing. */
  busy: number;
  readonly broken: string[];
}

export class CellSweep {
  private readonly rows: SealedRows;

  constructor(
    private readonly tools: SweepTools,
    private readonly tenant: Tenant,
    private readonly actor: Actor,
  ) {
    this.rows = new SealedRows(tools, tenant.home, asService(actor));
  }

  /** Values that are not as they would be written now. */
  async count(): Promise<number> {
    let total = 0;
    for (const table of await this.tables()) {
      for (let after: readonly string[] = []; ; ) {
        this.tools.assertWanted();
        const row = await this.countBehind(table, after);
        if (!row) break;
        total += row.stale;
        after = row.last;
      }
    }
    return total;
  }

  /** @param from where it was cut off. @throws Problem key/integrity where nothing is left but values that do not open */
  async run(from: Position | null, onStep: OnStep): Promise<void> {
    for (let start = from, changes = 0; ; start = null) {
      const round = await this.round(start, onStep);
      changes = round === 'changed' ? changes + 1 : 0;
      // Others have their turn, and whoever asked learns that something does not fit.
      if (changes > MOST_CHANGES)
        throw new Problem('entity/busy', 'The definitions and the tables of the tenant do not fit together.');
      if (round === 'changed') await wait(BUSY_PAUSE_MS);
      else if (round.renewed > 0) continue;
      else if (round.busy > 0) await wait(BUSY_PAUSE_MS);
      else if (round.broken.length > 0) throw unreadable(round.broken);
      else if (start === null) return;
    }
  }

  /** `changed`: the definitions did meanwhile. */
  private async round(from: Position | null, onStep: OnStep): Promise<Round | 'changed'> {
    const tables = await this.tables();
    const first = tables.findIndex(({ name }) => name === from?.store);
    const round: Round = { renewed: 0, busy: 0, broken: [] };
    try {
      for (const [index, table] of tables.entries()) {
        if (index >= first) await this.sweep(table, index === first && from ? from.at : [], round, onStep);
      }
      return round;
    } catch (error) {
      if (meetsChangedTable(error) || error instanceof UnknownField) return 'changed';
      throw error;
    }
  }

  private async sweep(table: SealedTable, from: readonly string[], round: Round, onStep: OnStep): Promise<void> {
    for (let after = from; ; ) {
      this.tools.assertWanted();
      const started = performance.now();
      const step = await this.step(table, after);
      if (!step) return;
      after = step.last;
      round.renewed += step.renewed;
      round.busy += step.busy;
      round.broken.push(...step.broken);
      await onStep({ store: table.name, at: after }, step.renewed);
      if (step.renewed > 0) await wait((performance.now() - started) * PAUSE_RATIO);
    }
  }

  /** undefined: there is no row behind `after`. */
  private async step(table: SealedTable, after: readonly string[]): Promise<(Round & { last: string[] }) | undefined> {
    const { keys } = this.tools;
    const { id: tenantId } = this.tenant;
    return keys.having(this.tenant, async () => {
      const ring = await keys.open(this.tenant);
      const stale = { ...staleRowsStatement(table, tenantId, after, ring.written), keys: ring.epoch };
      const page = await this.rows.read(table, stale);
      const last = page.at(-1)?.slice(0, table.key.length) as string[] | undefined;
      if (!last) return undefined;
      keys.assertOpen(tenantId, page);
      const { rows, broken } = renewedRows(table, ring, page);
      if (rows.length === 0) return { last, renewed: 0, busy: 0, broken: [...broken] };
      const [written] = await this.rows.write(table, { ...renewStatement(table, tenantId, rows), keys: ring.epoch });
      const done = Number(written?.[0]);
      const cells = rows.flatMap((row) => row.after).filter((cell) => cell !== null).length;
      return { last, renewed: Math.round((cells * done) / rows.length), busy: rows.length - done, broken: [...broken] };
    });
  }

  private async countBehind(
    table: SealedTable,
    after: readonly string[],
  ): Promise<{ stale: number; last: string[] } | undefined> {
    const { keys } = this.tools;
    return keys.having(this.tenant, async () => {
      const ring = await keys.open(this.tenant);
      const statement = countStatement(table, this.tenant.id, after, ring.written);
      const [row] = await this.rows.read(table, { ...statement, keys: ring.epoch });
      return row && { stale: Number(row[0]), last: row.slice(1) as string[] };
    });
  }

  private async tables(): Promise<SealedTable[]> {
    const { home } = this.tenant;
    return this.tools.controlPlane.inTenant(this.actor, home, (tx) => sealedTables(tx, home));
  }
}

function unreadable(broken: readonly string[]): Problem {
  return new Problem(
    'key/integrity',
    `${broken.length} encrypted values are not what was stored there, and cannot be encrypted anew. Everything else is, and the old key stays. Put back what a backup has of them, or take them out of the table: the work goes on by itself.`,
    { sample: broken.slice(0, SAMPLE) },
  );
}
