import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { mayPerform, type Operation, ruleOf } from '../access/operations.js';
import type { Principal } from '../access/principal.js';
import { Problem } from '../platform/problem.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';
import { DenialLog } from './denial-log.js';
import { OPERATION } from './operation.decorator.js';
import { RateLimits } from './rate-limits.js';
import type { ServiceRequest } from './request.js';

/**
 * The one door. Token → principal; the path's tenant must be the token's, which is decided before any database is
 * touched; the role must permit the route's operation; the tenant must be active.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: RateLimits,
    private readonly directory: TenantDirectory,
    private readonly denials: DenialLog,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const operation = this.reflector.get<Operation>(OPERATION, context.getHandler());
    const rule = ruleOf(operation);
    if (rule.scope === 'public') return true;
    const request = context.switchToHttp().getRequest<ServiceRequest>();
    const principal = request.principal ?? (await this.limits.authenticate(request));
    request.principal = principal;
    if (rule.scope === 'tenant') await this.enter(request, principal, operation);
    else if (!mayPerform(principal, operation)) throw await this.forbidden(request, principal, operation);
    return true;
  }

  private async enter(request: ServiceRequest, principal: Principal, operation: Operation): Promise<void> {
    const { tenantId } = request.params as { tenantId?: string };
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
    if (!mayPerform(principal, operation)) throw await this.forbidden(request, principal, operation);
    const tenant = await this.directory.find(principal.tenantId);
    if (!tenant) throw new Problem('tenant/not-found', 'The tenant of this token does not exist.');
    if (tenant.status === 'suspended')
      throw new Problem('tenant/suspended', 'The tenant is suspended. A system administrator can resume it.');
    request.tenant = tenant;
  }

  private async forbidden(request: ServiceRequest, principal: Principal, operation: Operation): Promise<Problem> {
    await this.denials.record(request, principal, operation);
    const { roles } = ruleOf(operation);
    return new Problem('auth/forbidden', `The operation ${operation} needs one of the roles: ${roles.join(', ')}.`, {
      operation,
    });
  }
}
