import { Injectable } from '@nestjs/common';
import { Access } from '../access/access.js';
import { forbidden } from '../access/forbidden.js';
import { grantRefused } from '../access/grant-refused.js';
import { GrantsInForce } from '../access/grants-in-force.js';
import type { Operation } from '../access/operations.js';
import type { Principal } from '../access/principal.js';
import { Problem } from '../platform/problem.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { actorOf, grantNamed, queryPairs, type ServiceRequest } from './request.js';

/**
 * How a system administrator comes into a tenant: by a grant in force that names it, for what the grant permits, and only once the
 * tenant's own trail says so. The access guard asks it, in this order.
 */
@Injectable()
export class TenantCrossing {
  constructor(
    private readonly grants: GrantsInForce,
    private readonly directory: TenantDirectory,
  ) {}

  /**
   * The tenant of the path, and what the grant of the header permits there.
   * @throws Problem auth/forbidden, auth/grant-refused (403)
   */
  async permitted(
    request: ServiceRequest,
    principal: Principal,
    operation: Operation,
  ): Promise<{ tenant: Tenant; access: Access }> {
    const { tenantId, entity } = request.params as { tenantId?: string; entity?: string };
    const id = grantNamed(request);
    if (id === null || tenantId === undefined) {
      throw new Problem(
        'auth/forbidden',
        'A system administrator has no access to the data of a tenant but by an access grant: POST /api/v1/grants, then send X-Access-Grant.',
        { operation },
      );
    }
    const grant = await this.grants.find(actorOf(request), id, [tenantId]);
    const tenant = await this.directory.find(tenantId.toLowerCase());
    if (!tenant) throw grantRefused('unknown');
    const access = Access.under(principal, grant);
    if (!access.may(operation, entity)) throw forbidden(access, operation, entity);
    return { tenant, access };
  }

  /** The intent is committed when this resolves. @throws Problem audit/unavailable (503) */
  async announce(request: ServiceRequest, tenant: Tenant, { grant }: Access, operation: Operation): Promise<void> {
    if (!grant) return;
    const { entity } = request.params as { entity?: string };
    const select = queryPairs(request).get('select') ?? undefined;
    const intent = {
      operation,
      method: request.method,
      route: request.routeOptions.url ?? '',
      ...(entity && { entity }),
      select,
    };
    await this.grants.announce({ actor: actorOf(request), tenantId: tenant.id, grant }, intent);
  }
}
