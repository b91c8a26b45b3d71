import type { Actor } from '../database/context-token.js';
import type { ControlPlane, SystemTx } from '../database/control-plane.js';
import { qualified } from '../model/ddl/table-ref.js';
import type { TenantHome } from '../model/entity.js';
import { granuleEnd } from '../model/past/granule.js';
import { closePartition, type PastKind, partitionName, pastTable } from '../model/past/past-tables.js';
import { Periodic } from '../platform/periodic.js';
import type { TenantDirectory } from '../tenants/tenant-directory.js';
import { dueRows } from './due-rows.js';
import { notePartition, type PastKey } from './past-keeping.js';
import { patiently } from './patiently.js';

/**
 * Keeps the partitions of the past: gives each open one its end before it begins to fill, and drops those whose retention is
 * over, without deleting a row. Every hour, some at a time, by whichever instance comes first. No write has to wait for it to
 * come: an open partition takes whatever there is, and what has outlived its retention is out of reach before it is gone.
 */

const EVERY_MS = 3_600_000;

/**
 * How long before its time a partition gets its end: while it is empty. Postgres reads the whole of it then, under a lock that
 * every change of the entity's records waits for.
 */
const AHEAD_MS = 2 * EVERY_MS;

const AT_ONCE = 100;
const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'past' };

interface DuePartition {
  readonly home: TenantHome;
  readonly key: PastKey;
  /** null: from ever. */
  readonly from: Date | null;
  readonly keepDays: number | null;
}

export class PastSweep {
  private readonly periodic: Periodic;

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly directory: TenantDirectory,
    private readonly onError: (error: unknown) => void,
    private readonly aheadMs = AHEAD_MS,
  ) {
    this.periodic = new Periodic(EVERY_MS, () => this.sweep(), onError);
  }

  start(): void {
    this.periodic.start();
  }

  async stop(): Promise<void> {
    await this.periodic.stop();
  }

  /** Until nothing is due; what fails is left for the next time. */
  async sweep(): Promise<void> {
    await this.each(unended(this.aheadMs), (due) => this.close(due));
    await this.each(OUTLIVED, (due) => this.drop(due));
  }

  private async each(sql: string, work: (due: DuePartition) => Promise<void>): Promise<void> {
    for (let failed = false; !failed && !this.periodic.isStopping; ) {
      const due = await this.due(sql);
      for (const partition of due) {
        if (this.periodic.isStopping) return;
        await work(partition).catch((error: unknown) => {
          failed = true;
          this.onError(error);
        });
      }
      if (due.length < AT_ONCE) return;
    }
  }

  private async due(sql: string): Promise<DuePartition[]> {
    const rows = await dueRows<DueRow>(this.controlPlane, this.directory, ACTOR, sql);
    return rows.map(({ home, tenant_id: tenantId, entity_id: entityId, kind, lower_bound: from, keep_days: keepDays }) => {
      return { home, key: { tenantId, entityId, kind }, keepDays, from: from instanceof Date ? from : null };
    });
  }

  private async close({ home, key, from, keepDays }: DuePartition): Promise<void> {
    await patiently(this.controlPlane, ACTOR, home, async (tx) => {
      // A clock that is behind that of Postgres has not come as far as the partition.
      const end = granuleEnd(new Date(Math.max(Date.now() + this.aheadMs, from?.getTime() ?? 0)), keepDays);
      if (
        !(await changed(
          tx,
          key,
          from,
          `update business_store_service.past_partitions\nset upper_bound = $5`,
          'upper_bound is null',
          end,
        ))
      )
        return;
      await tx.asOwner(home, closePartition(home, pastTable(key.kind, key.entityId), from, end));
      await notePartition(tx, key, { from: end, to: null });
    });
  }

  private async drop({ home, key, from }: DuePartition): Promise<void> {
    await patiently(this.controlPlane, ACTOR, home, async (tx) => {
      if (!(await changed(tx, key, from, 'delete from business_store_service.past_partitions', 'upper_bound is not null', null)))
        return;
      const name = partitionName(pastTable(key.kind, key.entityId), { from, to: null });
      await tx.asOwner(home, [`drop table ${qualified(home, name)}`]);
    });
  }
}

interface DueRow {
  readonly tenant_id: string;
  readonly entity_id: string;
  readonly kind: PastKind;
  /** A Date, or a number when it is infinite. */
  readonly lower_bound: unknown;
  readonly keep_days: number | null;
}

/** False when another instance was faster. */
async function changed(
  tx: SystemTx,
  { tenantId, entityId, kind }: PastKey,
  from: Date | null,
  change: string,
  state: string,
  end: Date | null,
): Promise<boolean> {
  const [, count] = (await tx.manager.query(
    `${change}
where tenant_id = $1
  and entity_id = $2
  and kind = $3
  and lower_bound = $4
  and ${state}`,
    [tenantId, entityId, kind, from?.toISOString() ?? '-infinity', ...(end === null ? [] : [end.toISOString()])],
  )) as [unknown, number];
  return count > 0;
}

const DUE = `select partition.tenant_id, partition.entity_id, partition.kind, partition.lower_bound, past.keep_days
from business_store_service.past_partitions as partition
join business_store_service.past_tables as past using (tenant_id, entity_id, kind)`;

const unended = (aheadMs: number): string => `${DUE}
where partition.upper_bound is null
  and partition.lower_bound <= now() + make_interval(secs => ${aheadMs / 1_000})
order by random()
limit ${AT_ONCE}`;

const OUTLIVED = `${DUE}
where partition.upper_bound < now() - make_interval(days => past.keep_days)
order by random()
limit ${AT_ONCE}`;
