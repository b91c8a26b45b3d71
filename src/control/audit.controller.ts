import { Controller, Get, Query, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsOptional, IsString, IsUUID, Length } from 'class-validator';
import { readTrail } from '../audit/read-trail.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentExchange } from '../http/parameters.js';
import { type Exchange, TenantTransactions } from '../http/tenant-transactions.js';
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
export class AuditController {
  constructor(private readonly transactions: TenantTransactions) {}

  @Get()
  @Performs('audit.read')
  @ApiOperation({ summary: "The tenant's trail, newest first" })
  list(@CurrentExchange() exchange: Exchange, @Query() query: AuditQuery) {
    return this.transactions.answer(exchange, async (tx) => {
      const entries = await readTrail(tx, { ...query, limit: query.limit + 1 });
      const items = entries.slice(0, query.limit);
      return { items, next: entries.length > query.limit ? items.at(-1)?.id : null };
    });
  }
}
