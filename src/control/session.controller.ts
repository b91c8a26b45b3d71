import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { permissionsOf } from '../access/operations.js';
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
  @ApiOperation({ summary: 'Who the token or the API key is, where it may go and what it may do' })
  async get(@CurrentPrincipal() principal: Principal) {
    const { subject, tenantId, roles, apiKey } = principal;
    const tenant = tenantId === null ? null : await this.directory.find(tenantId);
    if (tenantId !== null && !tenant) throw new Problem('tenant/not-found', 'The tenant of this token does not exist.');
    return {
      subject,
      tenant: tenant && { id: tenant.id, slug: tenant.slug, name: tenant.name, status: tenant.status },
      roles,
      permissions: permissionsOf(principal),
      ...(apiKey && { apiKey }),
    };
  }
}
