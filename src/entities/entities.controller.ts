import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor, CurrentTenant } from '../http/parameters.js';
import { readWait } from '../model/query/prefer.js';
import type { JsonValue } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { aroundDocument } from './apply-body.pipe.js';
import type { ChangeOutcome } from './change-request.js';
import { ChangesService } from './changes.service.js';
import { EntitiesService } from './entities.service.js';
import { ApplyBody } from './entity.bodies.js';
import { EntityLifeService } from './entity-life.service.js';

/** Seconds an answer may be waited for. */
const LONGEST_WAIT_S = 60;

@ApiTags('entities')
@ApiBearerAuth()
@Controller('api/v1/tenants/:tenantId/entities')
export class EntitiesController {
  constructor(
    private readonly entities: EntitiesService,
    private readonly changes: ChangesService,
    private readonly life: EntityLifeService,
  ) {}

  @Get()
  @Performs('entities.read')
  @ApiOperation({ summary: 'List the entities of the tenant; with ?status=dropped those that are kept after they were dropped' })
  async list(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Query('status') status?: string) {
    if (status === 'dropped') return { items: await this.life.dropped(actor, tenant), next: null };
    if (status !== undefined) throw new Problem('request/invalid-query', 'status takes dropped, or is left out.');
    return { items: await this.entities.list(tenant), next: null };
  }

  @Get(':entity')
  @Performs('entities.read')
  @ApiOperation({ summary: 'Get the definition in force' })
  get(@CurrentTenant() tenant: Tenant, @Param('entity') entity: string) {
    return this.entities.get(tenant, entity);
  }

  @Put(':entity')
  @Performs('entities.define')
  @ApiOperation({ summary: 'Define an entity, or add to it; what needs a look first is answered with its plan' })
  async define(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Body() document: JsonValue,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answer(tenant, await this.entities.define(actor, tenant, entity, document ?? null), reply);
  }

  @Post(':entity/plan')
  @HttpCode(200)
  @Performs('entities.plan')
  @ApiOperation({ summary: 'What a new document would do: exact SQL, locks, rows, what stands in the way, and the way back' })
  plan(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Body() document: JsonValue,
  ) {
    return this.changes.plan(actor, tenant, entity, { document: document ?? null });
  }

  @Post(':entity/apply')
  @Performs('entities.define')
  @ApiOperation({ summary: 'Apply a plan by its hash' })
  async apply(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Body(aroundDocument) body: ApplyBody,
    @Headers('prefer') prefer: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const seconds = readWait(prefer);
    const options = seconds === undefined ? {} : { waitMs: Math.min(seconds, LONGEST_WAIT_S) * 1_000 };
    return answer(tenant, await this.changes.apply(actor, tenant, entity, body, options), reply);
  }

  @Delete(':entity')
  @HttpCode(204)
  @Performs('entities.define')
  @ApiOperation({ summary: 'Drop an entity: hidden, kept for its retention, restorable. Needs ?allow=destructive' })
  async drop(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Query('allow') allow?: string | string[],
  ): Promise<void> {
    await this.life.drop(actor, tenant, entity, [allow ?? []].flat());
  }
}

/** 201 when it is new, 202 and where to ask when it is still being prepared. */
export function answer(tenant: Tenant, { created, definition, changeId }: ChangeOutcome, reply: FastifyReply) {
  reply.status(created ? 201 : changeId === undefined ? 200 : 202);
  if (changeId === undefined) return definition;
  const path = `/api/v1/tenants/${tenant.id}/entities/${definition.name}/changes/${changeId}`;
  reply.header('location', path);
  return { ...definition, change: { id: changeId, href: path } };
}
