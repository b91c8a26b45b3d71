import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor, CurrentTenant } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { CreateApiKeyBody, RotateApiKeyBody } from './api-key.bodies.js';
import { ApiKeysService } from './api-keys.service.js';
import type { ApiKeyRow } from './api-keys-sql.js';
import { PageQuery } from './page.query.js';

/** Keys with which applications call the store. A key is shown once, in the answer that makes it. */
@ApiTags('api keys')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/tenants/:tenantId/api-keys')
export class ApiKeysController {
  constructor(private readonly keys: ApiKeysService) {}

  @Post()
  @Header('Cache-Control', 'no-store')
  @Performs('apiKeys.manage')
  @ApiOperation({ summary: 'Make an API key; this answer is the only one that shows it' })
  async create(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Body() body: CreateApiKeyBody) {
    const { key, row } = await this.keys.create(actor, tenant, body);
    return { ...view(row), key };
  }

  @Get()
  @Performs('apiKeys.read')
  @ApiOperation({ summary: 'List the API keys, revoked ones included, in order of creation' })
  async list(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Query() { limit, after }: PageQuery) {
    const rows = await this.keys.list(actor, tenant, { limit: limit + 1, after });
    const items = rows.slice(0, limit).map(view);
    return { items, next: rows.length > limit ? items.at(-1)?.id : null };
  }

  @Get(':keyId')
  @Performs('apiKeys.read')
  @ApiOperation({ summary: 'Get an API key, without its secret' })
  async get(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Param('keyId') id: string) {
    return view(await this.keys.get(actor, tenant, id));
  }

  @Post(':keyId/rotate')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @Performs('apiKeys.manage')
  @ApiOperation({ summary: 'Give an API key another secret, shown in this answer only; the former one holds for a while' })
  async rotate(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('keyId') id: string,
    @Body() { overlapSeconds }: RotateApiKeyBody,
  ) {
    const { key, row } = await this.keys.rotate(actor, tenant, id, overlapSeconds);
    return { ...view(row), key };
  }

  @Delete(':keyId')
  @HttpCode(204)
  @Performs('apiKeys.manage')
  @ApiOperation({ summary: 'Revoke an API key, everywhere within 5 seconds and for good' })
  async revoke(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Param('keyId') id: string): Promise<void> {
    await this.keys.revoke(actor, tenant, id);
  }
}

function view(row: ApiKeyRow) {
  return {
    id: row.key_id,
    name: row.name,
    roles: row.roles,
    scopes: row.scopes,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    formerHoldsUntil: row.former_until,
  };
}
