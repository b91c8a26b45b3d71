import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { deleteInTurns } from '../database/delete-in-turns.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Periodic } from '../platform/periodic.js';

/** Forgets imports that nobody has touched for a month, of all tenants: every six hours, some at a time. What they stored stays. */

const EVERY_MS = 6 * 3_600_000;

/** Rows in one transaction, and those touched in the same instant as the last of them. */
const AT_ONCE = 1_000;

const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'imports' };

@Injectable()
export class ImportSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly periodic: Periodic;

  constructor(
    private readonly controlPlane: ControlPlane,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.periodic = new Periodic(
      EVERY_MS,
      () => this.sweep(),
      (err) => logger.warn({ err }, 'old imports were not forgotten'),
    );
  }

  onApplicationBootstrap(): void {
    this.periodic.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.periodic.stop();
  }

  async sweep(): Promise<void> {
    await deleteInTurns(this.controlPlane, ACTOR, { sql: DELETE_OLD, atOnce: AT_ONCE }, () => this.periodic.isStopping);
  }
}

/** The policy lets the control plane see none that are younger. */
const DELETE_OLD = `delete from business_store_service.imports
where updated_at <= (
  select max(old.updated_at)
  from (
    select updated_at
    from business_store_service.imports
    where updated_at < now() - interval '30 days'
    order by updated_at
    limit ${AT_ONCE}
  ) as old
)`;
