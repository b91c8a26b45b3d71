import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { LOGGER, type Logger } from '../platform/log.js';

/** Deletes expired answers, of all tenants, every hour and some at a time. They count as absent from the moment they expire. */

const EVERY_MS = 3_600_000;

/** Rows in one transaction, and those that expire in the same instant as the last of them. */
const AT_ONCE = 1_000;

const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'idempotency' };

@Injectable()
export class IdempotencySweep implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<unknown> = Promise.resolve();
  private stopping = false;

  constructor(
    private readonly controlPlane: ControlPlane,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    const sweep = (): void => {
      this.sweeping = this.sweep().catch((err) => this.logger.warn({ err }, 'expired answers were not deleted'));
    };
    this.timer = setInterval(sweep, EVERY_MS);
    this.timer.unref();
    sweep();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    if (this.timer) clearInterval(this.timer);
    await this.sweeping;
  }

  async sweep(): Promise<void> {
    for (let deleted = AT_ONCE; deleted >= AT_ONCE && !this.stopping; ) {
      deleted = await this.controlPlane.platform(ACTOR, async (tx) => {
        const [, count] = (await tx.manager.query(DELETE_EXPIRED)) as [unknown, number];
        return count;
      });
    }
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
