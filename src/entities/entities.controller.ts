import { Body, Controller, Get, Param, Put, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor, CurrentTenant } from '../http/parameters.js';
import type { JsonValue } from '../platform/json-value.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { EntitiesService } from './entities.service.js';

@Controller('api/v1/tenants/:tenantId/entities')
export class EntitiesController {
  constructor(private readonly entities: EntitiesService) {}

  @Get()
  @Performs('entities.read')
  async list(@CurrentTenant() tenant: Tenant) {
    return { items: await this.entities.list(tenant), next: null };
  }

  @Get(':entity')
  @Performs('entities.read')
  get(@CurrentTenant() tenant: Tenant, @Param('entity') entity: string) {
    return this.entities.get(tenant, entity);
  }

  @Put(':entity')
  @Performs('entities.define')
  async define(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Body() document: JsonValue,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { created, definition } = await this.entities.define(actor, tenant, entity, document ?? null);
    reply.status(created ? 201 : 200);
    return definition;
  }
}
