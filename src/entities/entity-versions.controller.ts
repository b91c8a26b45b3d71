import { Body, Controller, Get, HttpCode, Param, ParseIntPipe, Post, Query, Res, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor, CurrentTenant } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { answer } from './entities.controller.js';
import { RollbackBody } from './entity.bodies.js';
import { DiffQuery, VersionsQuery } from './version.queries.js';
import { VersionsService } from './versions.service.js';

/** The linear history of an entity. */
@ApiTags('entities')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/tenants/:tenantId/entities/:entity')
export class EntityVersionsController {
  constructor(private readonly versions: VersionsService) {}

  @Get('versions')
  @Performs('entities.read')
  @ApiOperation({ summary: 'Versions, newest first' })
  async list(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Query() { limit, before }: VersionsQuery,
  ) {
    const found = await this.versions.list(actor, tenant, entity, {
      limit: limit + 1,
      ...(before === undefined ? {} : { before }),
    });
    const items = found.slice(0, limit);
    return { items, next: found.length > limit ? (items.at(-1)?.version ?? null) : null };
  }

  @Get('versions/:version')
  @Performs('entities.read')
  @ApiOperation({ summary: 'One version' })
  get(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Param('version', ParseIntPipe) version: number,
  ) {
    return this.versions.get(actor, tenant, entity, version);
  }

  @Get('diff')
  @Performs('entities.read')
  @ApiOperation({ summary: 'What differs between two versions, and what it means to clients' })
  diff(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Query() { from, to }: DiffQuery,
  ) {
    return this.versions.diff(actor, tenant, entity, from, to);
  }

  @Post('rollback')
  @HttpCode(200)
  @Performs('entities.define')
  @ApiOperation({ summary: 'Put an old version in force again, as a new one: the inverse plan, applied' })
  async rollback(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Body() { dryRun, ...request }: RollbackBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    if (dryRun) return this.versions.planRollback(actor, tenant, entity, request);
    return answer(tenant, await this.versions.rollback(actor, tenant, entity, request), reply);
  }
}
