import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { mayPerform, OPERATIONS, type Operation } from '../access/operations.js';
import type { Principal } from '../access/principal.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentPrincipal } from '../http/parameters.js';
import { Problem } from '../platform/problem.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';

@ApiTags('session')
@ApiBearerAuth()
@Controller('api/v1/session')
export class SessionController {
  constructor(private readonly directory: TenantDirectory) {}

  @Get()
  @Performs('session.read')
  @ApiOperation({ summary: 'Who the token is, where it may go and what it may do' })
  async get(@CurrentPrincipal() principal: Principal) {
    const { subject, tenantId, roles } = principal;
    const tenant = tenantId === null ? null : await this.directory.find(tenantId);
    if (tenantId !== null && !tenant) throw new Problem('tenant/not-found', 'The tenant of this token does not exist.');
    const permissions = (Object.keys(OPERATIONS) as Operation[]).filter((operation) => mayPerform(principal, operation));
    return {
      subject,
      tenant: tenant && { id: tenant.id, slug: tenant.slug, name: tenant.name, status: tenant.status },
      roles,
      permissions,
    };
  }
}
