import { Controller, Get, Query, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor, CurrentTenant } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { grantView } from './grant-views.js';
import { GrantsService } from './grants.service.js';
import { PageQuery } from './page.query.js';

/** What a tenant's own administrators and auditors see of those who came in from outside. */
@ApiTags('access grants')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/tenants/:tenantId/grants')
export class TenantGrantsController {
  constructor(private readonly grants: GrantsService) {}

  @Get()
  @Performs('access.read')
  @ApiOperation({ summary: 'List the access grants of system administrators that name the tenant, newest first, and their use' })
  async list(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Query() { limit, after }: PageQuery) {
    const rows = await this.grants.listOf(actor, tenant, { limit: limit + 1, after });
    const items = rows.slice(0, limit).map(grantView);
    return { items, next: rows.length > limit ? items.at(-1)?.id : null };
  }
}
