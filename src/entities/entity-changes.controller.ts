import { Body, Controller, Get, HttpCode, Param, Post, Res, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor, CurrentTenant } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { ChangeProgressService } from './change-progress.service.js';
import { answer } from './entities.controller.js';
import { RestoreBody } from './entity.bodies.js';
import { EntityLifeService } from './entity-life.service.js';
import { RetentionService } from './retention.service.js';

/** What is under way, what is kept, and what differs from the catalog. */
@ApiTags('entities')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/tenants/:tenantId/entities/:entity')
export class EntityChangesController {
  constructor(
    private readonly progress: ChangeProgressService,
    private readonly retention: RetentionService,
    private readonly life: EntityLifeService,
  ) {}

  @Get('changes')
  @Performs('entities.plan')
  @ApiOperation({ summary: 'Changes that had to be prepared, newest first, and how far they are' })
  async list(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Param('entity') entity: string) {
    return { items: await this.progress.list(actor, tenant, entity), next: null };
  }

  @Get('changes/:changeId')
  @Performs('entities.plan')
  @ApiOperation({ summary: 'One change: its steps, how far it is, and what stopped it' })
  get(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Param('changeId') changeId: string,
  ) {
    return this.progress.get(actor, tenant, entity, changeId);
  }

  @Post('changes/:changeId/abort')
  @HttpCode(202)
  @Performs('entities.define')
  @ApiOperation({ summary: 'Stop a change that is being prepared and take away what it prepared' })
  abort(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Param('changeId') changeId: string,
  ) {
    return this.progress.abort(actor, tenant, entity, changeId);
  }

  @Get('retained')
  @Performs('entities.plan')
  @ApiOperation({ summary: 'Dropped properties that are kept, and until when' })
  async retained(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Param('entity') entity: string) {
    return { items: (await this.retention.retained(actor, tenant, entity)).map(({ column: _, ...kept }) => kept), next: null };
  }

  @Post('retained/:property/purge')
  @HttpCode(204)
  @Performs('entities.define')
  @ApiOperation({ summary: 'End what is kept of a dropped property before its time' })
  async purge(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Param('property') property: string,
  ): Promise<void> {
    await this.retention.purge(actor, tenant, entity, property);
  }

  @Post('restore')
  @HttpCode(200)
  @Performs('entities.define')
  @ApiOperation({ summary: 'Bring back a dropped property with what records held in it, or the dropped entity itself' })
  async restore(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Body() { property, allow, dryRun }: RestoreBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    if (property === undefined) {
      return dryRun ? this.life.planRestore(actor, tenant, entity) : this.life.restore(actor, tenant, entity);
    }
    if (dryRun) return this.retention.planRestore(actor, tenant, entity, property);
    return answer(tenant, await this.retention.restore(actor, tenant, entity, property, allow ? { allow } : {}), reply);
  }

  @Get('drift')
  @Performs('entities.plan')
  @ApiOperation({
    summary: 'Where the catalog differs from the registry, explained; apart from that, what is there for a change under way',
  })
  async drift(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Param('entity') entity: string) {
    const { drift: items, preparing } = await this.progress.drift(actor, tenant, entity);
    return { items, preparing, next: null };
  }
}
