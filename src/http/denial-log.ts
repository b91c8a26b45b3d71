import { Inject, Injectable } from '@nestjs/common';
import type { Operation } from '../access/operations.js';
import type { Principal } from '../access/principal.js';
import { auditStatement } from '../audit/audit-event.js';
import { ControlPlane, PLATFORM_ID } from '../database/control-plane.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { TenantTx } from '../database/tenant-tx.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';
import { actorOf, type ServiceRequest } from './request.js';

/**
 * Denied requests, in the trail of the tenant the caller belongs to, each in a transaction of its own. A trail that
 * cannot be written never turns a refusal into something else: it is logged instead.
 */
@Injectable()
export class DenialLog {
  constructor(
    private readonly pool: RuntimePool,
    private readonly controlPlane: ControlPlane,
    private readonly directory: TenantDirectory,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async record(request: ServiceRequest, principal: Principal, operation: Operation): Promise<void> {
    const actor = actorOf(request);
    const body = JSON.stringify({
      detail: { operation, method: request.method, route: request.routeOptions.url, roles: principal.roles },
    });
    const event = { action: 'access.denied', body } as const;
    try {
      if (principal.tenantId === null) {
        await this.controlPlane.platform(actor, (tx) => tx.run(auditStatement(PLATFORM_ID, actor, event)));
        return;
      }
      const tenant = await this.directory.find(principal.tenantId);
      if (!tenant) return;
      await TenantTx.run(this.pool, tenant.home, actor, { readOnly: false }, (tx) =>
        tx.last(auditStatement(tenant.id, actor, event)),
      );
    } catch (error) {
      this.logger.error({ err: error, operation }, 'a denied request could not be written to the audit trail');
    }
  }
}
