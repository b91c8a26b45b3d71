import { Controller, Get, Query, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsOptional, IsString, IsUUID, Length } from 'class-validator';
import { readTrail } from '../audit/read-trail.js';
import type { TenantTx } from '../database/tenant-tx.js';
import { Performs } from '../http/operation.decorator.js';
import { Tx } from '../http/parameters.js';
import { InTenant } from '../http/tenant-transaction.interceptor.js';
import { validation } from '../http/validation.pipe.js';
import { PageQuery } from './page.query.js';

export class AuditQuery extends PageQuery {
  @ApiPropertyOptional({ example: 'record.updated' })
  @IsOptional()
  @IsString()
  @Length(1, 100)
  action?: string;

  @ApiPropertyOptional({ example: 'Album' })
  @IsOptional()
  @IsString()
  @Length(1, 200)
  entity?: string;

  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  recordId?: string;
}

@ApiTags('audit')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/tenants/:tenantId/audit')
@InTenant()
export class AuditController {
  @Get()
  @Performs('audit.read')
  @ApiOperation({ summary: "The tenant's trail, newest first" })
  async list(@Tx() tx: TenantTx, @Query() query: AuditQuery) {
    const entries = await readTrail(tx, { ...query, limit: query.limit + 1 });
    const items = entries.slice(0, query.limit);
    return { items, next: entries.length > query.limit ? items.at(-1)?.id : null };
  }
}
