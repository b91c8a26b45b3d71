import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { deleteInTurns } from '../database/delete-in-turns.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Periodic } from '../platform/periodic.js';

/** Deletes expired answers, of all tenants, every hour and some at a time. They count as absent from the moment they expire. */

const EVERY_MS = 3_600_000;

/** Rows in one transaction, and those that expire in the same instant as the last of them. */
const AT_ONCE = 1_000;

const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'idempotency' };

@Injectable()
export class IdempotencySweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly periodic: Periodic;

  constructor(
    private readonly controlPlane: ControlPlane,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.periodic = new Periodic(
      EVERY_MS,
      () => this.sweep(),
      (err) => logger.warn({ err }, 'expired answers were not deleted'),
    );
  }

  onApplicationBootstrap(): void {
    this.periodic.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.periodic.stop();
  }

  async sweep(): Promise<void> {
    await deleteInTurns(this.controlPlane, ACTOR, { sql: DELETE_EXPIRED, atOnce: AT_ONCE }, () => this.periodic.isStopping);
  }
}

const DELETE_EXPIRED = `delete from business_store_service.idempotency_keys
where expires_at <= (
  select max(due.expires_at)
  from (
    select expires_at
    from business_store_service.idempotency_keys
    where expires_at < now()
    order by expires_at
    limit ${AT_ONCE}
  ) as due
)`;
