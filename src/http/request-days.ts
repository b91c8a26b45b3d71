import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Actor } from '../database/context-token.js';
import { ControlPlane } from '../database/control-plane.js';
import { DayCounts } from '../platform/day-counts.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Periodic } from '../platform/periodic.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import type { Allowance } from '../platform/token-buckets.js';

/**
 * The requests of each tenant today, of all instances: counted in memory, added up in a table every five seconds and when the process
 * stops. A restart forgets nothing, a crash what it had not told yet, and a sum whose commit was not heard of is added twice; no
 * request waits for any of it.
 */

const EVERY_MS = 5_000;

/** Days that are kept. */
const KEPT_DAYS = 7;

const ACTOR: Actor = { subject: 'business-store', roles: [], requestId: 'request-days' };

type Total = readonly [tenantId: string, requests: number];

@Injectable()
export class RequestDays implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly counts: DayCounts | null;
  private readonly periodic: Periodic;
  /** Of this day the counts of all tenants were read. */
  private known = '';

  constructor(
    private readonly controlPlane: ControlPlane,
    @Inject(SETTINGS) settings: Settings,
    @Inject(LOGGER) logger: Logger,
  ) {
    const { REQUESTS_PER_DAY: quota } = settings;
    this.counts = quota > 0 ? new DayCounts({ quota }) : null;
    this.periodic = new Periodic(
      EVERY_MS,
      () => this.share(),
      (err) => logger.warn({ err }, 'the requests of the day were not added up'),
    );
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.counts) return;
    // Before the first request: who has used the day up is not served again because the service was restarted.
    await this.share();
    this.periodic.start();
  }

  async onModuleDestroy(): Promise<void> {
    if (!this.counts) return;
    await this.periodic.stop();
    await this.share().catch(() => {});
  }

  /** Counts a request of the tenant; null where there is no quota. */
  take(tenantId: string): Allowance | null {
    return this.counts?.take(tenantId) ?? null;
  }

  private async share(): Promise<void> {
    if (!this.counts) return;
    const report = this.counts.report();
    const { day, counts } = report;
    const isNew = day !== this.known;
    if (!isNew && counts.length === 0) return;
    try {
      const totals = await this.controlPlane.platform(ACTOR, async ({ manager }) => {
        const tenants = counts.map(([tenant]) => tenant);
        const requests = counts.map(([, count]) => count);
        const added: StoredTotal[] = await manager.query(ADD, [day, tenants, requests]);
        if (!isNew) return added;
        await manager.query(FORGET, [day, KEPT_DAYS]);
        return (await manager.query(ALL_OF, [day])) as StoredTotal[];
      });
      this.counts.learn(
        report,
        totals.map(({ tenant_id, requests }): Total => [tenant_id, Number(requests)]),
      );
      this.known = day;
    } catch (error) {
      this.counts.keep(report);
      throw error;
    }
  }
}

interface StoredTotal {
  readonly tenant_id: string;
  /** A bigint. */
  readonly requests: string;
}

/** In the order of the tenants: two instances that add at the same time wait for each other rather than deadlock. */
const ADD = `insert into business_store_service.request_days as known (tenant_id, day, requests)
select sent.tenant_id, $1::date, sent.requests
from unnest($2::uuid[], $3::bigint[]) as sent (tenant_id, requests)
order by sent.tenant_id
on conflict (tenant_id, day) do update
set requests = known.requests + excluded.requests
returning tenant_id, requests`;

const ALL_OF = `select tenant_id, requests
from business_store_service.request_days
where day = $1::date`;

const FORGET = `delete from business_store_service.request_days
where day < $1::date - $2::integer`;
