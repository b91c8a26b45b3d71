import { Controller, Get, Inject, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access } from '../access/access.js';
import { GrantsInForce } from '../access/grants-in-force.js';
import type { Principal } from '../access/principal.js';
import { EntityRegistry } from '../entities/entity-registry.js';
import { EntityViews } from '../entities/entity-views.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentPrincipal } from '../http/parameters.js';
import { actorOf, grantNamed, type ServiceRequest } from '../http/request.js';
import { Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { type Tenant, TenantDirectory } from '../tenants/tenant-directory.js';
import { keptFields } from './session-fields.js';

@ApiTags('session')
@ApiBearerAuth()
@Controller('api/v1/session')
export class SessionController {
  constructor(
    private readonly directory: TenantDirectory,
    private readonly registry: EntityRegistry,
    private readonly views: EntityViews,
    private readonly grants: GrantsInForce,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Get()
  @Performs('session.read')
  @ApiOperation({ summary: 'Who the token or the API key is, where it may go and what it may do' })
  async get(@CurrentPrincipal() principal: Principal, @Req() request: ServiceRequest) {
    const { subject, tenantId, roles, apiKey } = principal;
    const tenant = tenantId === null ? null : await this.directory.find(tenantId);
    if (tenantId !== null && !tenant) throw new Problem('tenant/not-found', 'The tenant of this token does not exist.');
    const access = Access.of(principal, tenant?.roles);
    return {
      subject,
      tenant: tenant && { id: tenant.id, slug: tenant.slug, name: tenant.name, status: tenant.status },
      roles,
      rolesInForce: access.roles,
      permissions: access.permissions(),
      ...(tenant && (await this.within(tenant, access))),
      ...(apiKey && { apiKey }),
      ...(tenantId === null && grantNamed(request) !== null && { grant: await this.grantInForce(request) }),
    };
  }

  /** That of the header; null: it is good for nothing. */
  private async grantInForce(request: ServiceRequest) {
    const actor = actorOf(request);
    try {
      const grant = await this.grants.find(actor, grantNamed(request) ?? '');
      const { id, entities, access, expiresAt } = grant;
      return { id, tenants: await this.grants.tenantsOf(actor, grant), entities, access, expiresAt };
    } catch (error) {
      if (error instanceof Problem && error.code === 'auth/grant-refused') return null;
      throw error;
    }
  }

  /** What depends on what the tenant has made of itself. */
  private async within(tenant: Tenant, access: Access) {
    const [all, seen] = [await this.registry.of(tenant), await this.views.of(tenant, access)];
    const fields = keptFields(all, seen, access);
    const { RATE_LIMIT_PER_SECOND, RATE_LIMIT_BURST_SECONDS, REQUESTS_PER_DAY, TENANT_ROWS } = this.settings;
    return {
      ...(access.own.length > 0 && { ownRoles: access.own }),
      claims: access.claims,
      ...(access.redacts && { redacts: true }),
      ...(Object.keys(fields).length > 0 && { fields }),
      limits: {
        requestsPerSecond: RATE_LIMIT_PER_SECOND || null,
        burstSeconds: RATE_LIMIT_PER_SECOND > 0 ? RATE_LIMIT_BURST_SECONDS : null,
        requestsPerDay: REQUESTS_PER_DAY || null,
        rows: TENANT_ROWS || null,
      },
    };
  }
}
