import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import type { Logger } from '../platform/log.js';
import { Periodic } from '../platform/periodic.js';
import type { Actor } from './context-token.js';
import type { ControlPlane } from './control-plane.js';

/** Rows of a shared table that count for nothing from some time on. */
export interface Expiry {
  /** Names in SQL; the policy of the table lets the control plane see no rows that are not due. */
  readonly table: string;
  readonly column: string;
  /** SQL: up to when they are due. */
  readonly until: string;
  readonly everyMs: number;
  /** Of the transactions that delete them. */
  readonly requestId: string;
  /** For the log. */
  readonly whenFailed: string;
}

/** Rows in one transaction, and those due in the same instant as the last of them. */
const AT_ONCE = 1_000;

/** Deletes what has expired, of all tenants, every so often and some at a time, until little is left. */
export abstract class ExpirySweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly periodic: Periodic;

  constructor(
    private readonly controlPlane: ControlPlane,
    logger: Logger,
    private readonly expiry: Expiry,
  ) {
    this.periodic = new Periodic(
      expiry.everyMs,
      () => this.sweep(),
      (err) => logger.warn({ err }, expiry.whenFailed),
    );
  }

  onApplicationBootstrap(): void {
    this.periodic.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.periodic.stop();
  }

  async sweep(): Promise<void> {
    const actor: Actor = { subject: 'business-store', roles: [], requestId: this.expiry.requestId };
    const sql = deleteSome(this.expiry);
    for (let deleted = AT_ONCE; deleted >= AT_ONCE && !this.periodic.isStopping; ) {
      deleted = await this.controlPlane.platform(actor, async (tx) => {
        const [, count] = (await tx.manager.query(sql)) as [unknown, number];
        return count;
      });
    }
  }
}

function deleteSome({ table, column, until }: Expiry): string {
  return `delete from ${table}
where ${column} <= (
  select max(due.${column})
  from (
    select ${column}
    from ${table}
    where ${column} < ${until}
    order by ${column}
    limit ${AT_ONCE}
  ) as due
)`;
}
