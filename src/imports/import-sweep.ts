import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { LOGGER, type Logger } from '../platform/log.js';

/** Forgets imports that nobody has touched for a month, of all tenants: every six hours, some at a time. What they stored stays. */

const EVERY_MS = 6 * 3_600_000;

/** Rows in one transaction, and those touched in the same instant as the last of them. */
const AT_ONCE = 1_000;

const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'imports' };

@Injectable()
export class ImportSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<unknown> = Promise.resolve();
  private stopping = false;

  constructor(
    private readonly controlPlane: ControlPlane,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    const sweep = (): void => {
      this.sweeping = this.sweep().catch((err) => this.logger.warn({ err }, 'old imports were not forgotten'));
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
        const [, count] = (await tx.manager.query(DELETE_OLD)) as [unknown, number];
        return count;
      });
    }
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
