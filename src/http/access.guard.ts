import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Access } from '../access/access.js';
import { forbidden } from '../access/forbidden.js';
import { type Operation, ruleOf } from '../access/operations.js';
import type { Principal } from '../access/principal.js';
import { Problem } from '../platform/problem.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { DenialLog } from './denial-log.js';
import { OPERATION } from './operation.decorator.js';
import { RateLimits } from './rate-limits.js';
import type { ServiceRequest } from './request.js';
import { RowQuotas } from './row-quotas.js';
import { TenantCrossing } from './tenant-crossing.js';

/**
 * The one door. Token or API key → principal; the path's tenant must be the principal's, or named by a system administrator's grant,
 * which is decided before any record is touched; role and scopes must permit the route's operation; the tenant must be active.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: RateLimits,
    private readonly directory: TenantDirectory,
    private readonly denials: DenialLog,
    private readonly rows: RowQuotas,
    private readonly crossing: TenantCrossing,
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
    else await this.assertMay(request, Access.of(principal), operation);
    return true;
  }

  private async enter(request: ServiceRequest, principal: Principal, operation: Operation): Promise<void> {
    if (principal.tenantId === null) return this.cross(request, principal, operation);
    const { tenantId, entity } = request.params as { tenantId?: string; entity?: string };
    // A path that names no tenant is the token's. Ids are compared in one spelling: uuids are case-insensitive (RFC 9562).
    if (tenantId !== undefined && tenantId.toLowerCase() !== principal.tenantId.toLowerCase()) {
      this.denials.countUnwritten(operation);
      throw new Problem(
        'auth/tenant-mismatch',
        'The path names another tenant than the token. Use the tenant id of GET /api/v1/session.',
      );
    }
    const tenant = await this.directory.find(principal.tenantId);
    const access = Access.of(principal, tenant?.roles);
    await this.assertMay(request, access, operation, entity);
    if (!tenant) throw new Problem('tenant/not-found', 'The tenant of this token does not exist.');
    this.admit(request, tenant, access, operation);
  }

  /** By a grant; each refusal is in the platform's own trail. */
  private async cross(request: ServiceRequest, principal: Principal, operation: Operation): Promise<void> {
    const { tenant, access } = await this.crossing.permitted(request, principal, operation).catch(async (error: unknown) => {
      if (error instanceof Problem && error.status === 403) await this.denials.record(request, principal, operation);
      throw error;
    });
    this.admit(request, tenant, access, operation);
    await this.crossing.announce(request, tenant, access, operation);
  }

  private admit(request: ServiceRequest, tenant: Tenant, access: Access, operation: Operation): void {
    if (tenant.status === 'suspended')
      throw new Problem('tenant/suspended', 'The tenant is suspended. A system administrator can resume it.');
    this.rows.assertMayAdd(request, operation, tenant);
    request.access = access;
    request.tenant = tenant;
  }

  private async assertMay(request: ServiceRequest, access: Access, operation: Operation, entity?: string): Promise<void> {
    if (access.may(operation, entity)) return;
    await this.denials.record(request, access.principal, operation);
    throw forbidden(access, operation, entity);
  }
}
