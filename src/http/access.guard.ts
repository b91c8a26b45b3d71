import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { forbidden } from '../access/forbidden.js';
import { mayPerform, type Operation, ruleOf } from '../access/operations.js';
import type { Principal } from '../access/principal.js';
import { Problem } from '../platform/problem.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';
import { DenialLog } from './denial-log.js';
import { OPERATION } from './operation.decorator.js';
import { RateLimits } from './rate-limits.js';
import type { ServiceRequest } from './request.js';
import { RowQuotas } from './row-quotas.js';

/**
 * The one door. Token or API key → principal; the path's tenant must be the principal's, which is decided before any record is
 * touched; role and scopes must permit the route's operation; the tenant must be active.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: RateLimits,
    private readonly directory: TenantDirectory,
    private readonly denials: DenialLog,
    private readonly rows: RowQuotas,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const operation = this.reflector.get<Operation>(OPERATION, context.getHandler());
    const rule = ruleOf(operation);
    if (rule.scope === 'public') return true;
    const request = context.switchToHttp().getRequest<ServiceRequest>();
    const principal = request.principal ?? (await this.limits.authenticate(request));
    request.principal = principal;
    request.operation = operation;
    if (rule.scope === 'tenant') await this.enter(request, principal, operation);
    else if (!mayPerform(principal, operation)) throw await this.forbidden(request, principal, operation);
    return true;
  }

  private async enter(request: ServiceRequest, principal: Principal, operation: Operation): Promise<void> {
    const { tenantId, entity } = request.params as { tenantId?: string; entity?: string };
    if (principal.tenantId === null) {
      await this.denials.record(request, principal, operation);
      throw new Problem('auth/forbidden', 'A system administrator has no access to the data of a tenant.', { operation });
    }
    // A path that names no tenant is the token's. Ids are compared in one spelling: uuids are case-insensitive (RFC 9562).
    if (tenantId !== undefined && tenantId.toLowerCase() !== principal.tenantId.toLowerCase()) {
      throw new Problem(
        'auth/tenant-mismatch',
        'The path names another tenant than the token. Use the tenant id of GET /api/v1/session.',
      );
    }
    if (!mayPerform(principal, operation, entity)) throw await this.forbidden(request, principal, operation);
    const tenant = await this.directory.find(principal.tenantId);
    if (!tenant) throw new Problem('tenant/not-found', 'The tenant of this token does not exist.');
    if (tenant.status === 'suspended')
      throw new Problem('tenant/suspended', 'The tenant is suspended. A system administrator can resume it.');
    this.rows.assertMayAdd(request, operation, tenant);
    request.tenant = tenant;
  }

  private async forbidden(request: ServiceRequest, principal: Principal, operation: Operation): Promise<Problem> {
    await this.denials.record(request, principal, operation);
    return forbidden(principal, operation, (request.params as { entity?: string }).entity);
  }
}
