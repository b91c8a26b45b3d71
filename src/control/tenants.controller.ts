import { Body, Controller, Get, Param, Patch, Post, Query, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import { PacksService } from '../packs/packs.service.js';
import type { TenantRow } from '../tenants/tenant.row.js';
import { TenantsService } from '../tenants/tenants.service.js';
import { PageQuery } from './page.query.js';
import { CreateTenantBody, UpdateTenantBody } from './tenant.bodies.js';

@ApiTags('tenants')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/tenants')
export class TenantsController {
  constructor(
    private readonly tenants: TenantsService,
    private readonly packs: PacksService,
  ) {}

  @Post()
  @Performs('tenants.create')
  @ApiOperation({
    summary: 'Create a tenant: its schema, its roles, its registry row and the entities of its packs, in one transaction',
  })
  async create(@CurrentActor() actor: Actor, @Body() body: CreateTenantBody) {
    const packs = this.packs.named(body.packs ?? []);
    const wanted = { slug: body.slug, name: body.name ?? body.slug };
    const row = await this.tenants.create(actor, wanted, (tx, tenant) => this.packs.fill(tx, actor, tenant, packs));
    return { ...view(row), packs: packs.map(({ name, version }) => ({ name, version })) };
  }

  @Get()
  @Performs('tenants.read')
  @ApiOperation({ summary: 'List tenants in order of creation' })
  async list(@CurrentActor() actor: Actor, @Query() { limit, after }: PageQuery) {
    const rows = await this.tenants.list(actor, { limit: limit + 1, after });
    const items = rows.slice(0, limit).map(view);
    return { items, next: rows.length > limit ? items.at(-1)?.id : null };
  }

  @Get(':tenantId')
  @Performs('tenants.read')
  @ApiOperation({ summary: 'Get a tenant' })
  async get(@CurrentActor() actor: Actor, @Param('tenantId') tenantId: string) {
    return view(await this.tenants.get(actor, tenantId));
  }

  @Patch(':tenantId')
  @Performs('tenants.update')
  @ApiOperation({ summary: 'Rename, suspend or resume a tenant' })
  async update(@CurrentActor() actor: Actor, @Param('tenantId') tenantId: string, @Body() body: UpdateTenantBody) {
    return view(await this.tenants.update(actor, tenantId, { name: body.name, status: body.status }));
  }
}

function view(row: TenantRow) {
  const { id, slug, name, status, schemaName, createdAt, updatedAt } = row;
  return { id, slug, name, status, schemaName, createdAt, updatedAt };
}
