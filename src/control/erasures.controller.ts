import { Body, Controller, HttpCode, Post, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor, CurrentTenant } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { ErasureBody } from './erasure.body.js';
import { ErasuresService } from './erasures.service.js';

@ApiTags('audit')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/tenants/:tenantId/audit/erasures')
export class ErasuresController {
  constructor(private readonly erasures: ErasuresService) {}

  @Post()
  @HttpCode(200)
  @Performs('audit.erase')
  @ApiOperation({
    summary: "Erase a record's personal values from the trail, whose chain still verifies; says what else holds them",
  })
  erase(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Body() body: ErasureBody) {
    return this.erasures.erase(actor, tenant, body);
  }
}
