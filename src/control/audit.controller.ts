import { Controller, Get, Query, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsOptional, IsString, IsUUID, Length } from 'class-validator';
import type { Access } from '../access/access.js';
import { readTrail, type TrailEntry } from '../audit/read-trail.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityViews } from '../entities/entity-views.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentExchange } from '../http/parameters.js';
import { accessOf, tenantOfRequest } from '../http/request.js';
import { type Exchange, TenantTransactions } from '../http/tenant-transactions.js';
import { validation } from '../http/validation.pipe.js';
import { type TrailContent, trailView } from '../model/access/trail-view.js';
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
  constructor(
    private readonly transactions: TenantTransactions,
    private readonly views: EntityViews,
  ) {}

  @Get()
  @Performs('audit.read')
  @ApiOperation({ summary: "The tenant's trail, newest first" })
  async list(@CurrentExchange() exchange: Exchange, @Query() query: AuditQuery) {
    const access = accessOf(exchange.request);
    const entities = await this.views.of(tenantOfRequest(exchange.request), access);
    return this.transactions.answer(exchange, async (tx) => {
      const entries = await readTrail(tx, { ...query, limit: query.limit + 1 });
      const items = entries.slice(0, query.limit).map((entry) => seenEntry(entry, entities, access));
      return { items, next: entries.length > query.limit ? items.at(-1)?.id : null };
    });
  }
}

/** What of an event the caller may see: of records, what it may read of them. */
function seenEntry({ content, openings, ...entry }: TrailEntry, entities: ReadonlyMap<string, DefinedEntity>, access: Access) {
  if (entry.entity === null) return { ...entry, ...content };
  const defined = entities.get(entry.entity);
  const isOwner = access.roles.includes('admin');
  // Of an entity that is gone nobody knows any more what is to be kept from whom.
  const isSeen = isOwner || (defined !== undefined && access.may('records.read', entry.entity));
  const view = trailView(content as TrailContent, openings, isSeen ? (defined?.entity ?? NOTHING_KEPT) : null, isOwner);
  return { ...entry, ...view.content, ...(view.redacted.length > 0 && { redacted: view.redacted }) };
}

const NOTHING_KEPT = { properties: [] };
