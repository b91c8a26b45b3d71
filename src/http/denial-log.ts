import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Operation } from '../access/operations.js';
import type { Principal } from '../access/principal.js';
import { auditStatement } from '../audit/audit-event.js';
import type { Actor } from '../database/context-token.js';
import { ControlPlane, PLATFORM_ID } from '../database/control-plane.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { Metrics } from '../platform/metrics.js';
import { Periodic } from '../platform/periodic.js';
import { TokenBuckets } from '../platform/token-buckets.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';
import { actorOf, grantNamed, type ServiceRequest } from './request.js';

/**
 * Denied requests, in the trail of the tenant the caller belongs to, each in a transaction of its own; those of a caller who does not
 * stop, counted and written as one event a minute. A trail that cannot be written never turns a refusal into something else: it is
 * logged instead.
 */

/** Denials of one caller that are written one by one. */
const PER_MINUTE = 300;
const EVERY_MS = 60_000;
/** Callers whose denials are counted at a time; with more, they are written at once. */
const LARGEST = 1_000;
/** Characters that are kept of what was sent as the id of a grant. */
const LONGEST_GRANT = 64;

interface Counted {
  readonly tenantId: string | null;
  readonly from: Date;
  readonly operations: Map<Operation, number>;
  to: Date;
  /** As the last of them was sent. */
  actor: Actor;
}

@Injectable()
export class DenialLog implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly callers = new TokenBuckets({ burst: PER_MINUTE, seconds: 60 });
  private readonly counted = new Map<string, Counted>();
  private readonly periodic = new Periodic(
    EVERY_MS,
    () => this.writeCounted(),
    (err) => this.logger.error({ err }, 'denied requests could not be written to the audit trail'),
  );

  constructor(
    private readonly pool: RuntimePool,
    private readonly controlPlane: ControlPlane,
    private readonly directory: TenantDirectory,
    private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.periodic.start();
  }

  /** When nobody is let in any more. */
  async onApplicationShutdown(): Promise<void> {
    await this.periodic.stop();
    await this.writeCounted();
  }

  /** For denials that are in no trail: a path of another tenant, which is not told of them. */
  countUnwritten(operation: Operation): void {
    this.metrics.countDenial(operation);
  }

  async record(request: ServiceRequest, principal: Principal, operation: Operation): Promise<void> {
    this.metrics.countDenial(operation);
    const { tenantId, subject, roles } = principal;
    const actor = actorOf(request);
    const caller = `${tenantId} ${subject}`;
    if (this.callers.take(caller).granted) {
      const grant = tenantId === null ? grantNamed(request)?.slice(0, LONGEST_GRANT) : undefined;
      const detail = { operation, method: request.method, route: request.routeOptions.url, roles, grant };
      return this.write(tenantId, actor, detail);
    }
    this.count(caller, tenantId, actor, operation);
    if (this.counted.size >= LARGEST) await this.writeCounted();
  }

  private count(caller: string, tenantId: string | null, actor: Actor, operation: Operation): void {
    const now = new Date();
    const counted = this.counted.get(caller) ?? { tenantId, from: now, to: now, operations: new Map(), actor };
    this.counted.set(caller, counted);
    counted.operations.set(operation, (counted.operations.get(operation) ?? 0) + 1);
    Object.assign(counted, { to: now, actor });
  }

  private async writeCounted(): Promise<void> {
    const all = [...this.counted.values()];
    this.counted.clear();
    for (const { tenantId, actor, from, to, operations } of all) {
      const denials = [...operations.values()].reduce((sum, count) => sum + count, 0);
      await this.write(tenantId, actor, { denials, operations: Object.fromEntries(operations), from, to });
    }
  }

  private async write(tenantId: string | null, actor: Actor, detail: object): Promise<void> {
    const event = { action: 'access.denied', body: JSON.stringify({ detail }) } as const;
    try {
      if (tenantId === null) {
        await this.controlPlane.platform(actor, (tx) => tx.run(auditStatement(PLATFORM_ID, actor, event)));
        return;
      }
      const tenant = await this.directory.find(tenantId);
      if (!tenant) return;
      await TenantTx.run(this.pool, tenant.home, actor, { readOnly: false }, (tx) =>
        tx.last(auditStatement(tenant.id, actor, event)),
      );
    } catch (error) {
      this.logger.error({ err: error, ...detail }, 'denied requests could not be written to the audit trail');
    }
  }
}
