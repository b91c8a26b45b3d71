import { Body, Controller, Get, HttpCode, Param, Post, Query, Res, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import { CreateRolloutBody, RolloutsQuery, RolloutTenantsQuery } from './rollout.bodies.js';
import { RolloutRehearsal } from './rollout-rehearsal.js';
import { RolloutTenantsService } from './rollout-tenants.service.js';
import { RolloutsService } from './rollouts.service.js';

@ApiTags('rollouts')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/rollouts')
export class RolloutsController {
  constructor(
    private readonly rollouts: RolloutsService,
    private readonly rehearsal: RolloutRehearsal,
    private readonly tenants: RolloutTenantsService,
  ) {}

  @Post()
  @Performs('rollouts.manage')
  @ApiOperation({
    summary:
      'Take the tenants that have a pack to another version of it, ring by ring; with dryRun, see what would happen, page by page',
  })
  async create(
    @CurrentActor() actor: Actor,
    @Body() { dryRun, limit, after, ...order }: CreateRolloutBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    if (!dryRun) return this.rollouts.create(actor, order);
    reply.status(200);
    return this.rehearsal.run(actor, order, { limit, after });
  }

  @Get()
  @Performs('rollouts.read')
  @ApiOperation({ summary: 'List rollouts, newest first' })
  async list(@CurrentActor() actor: Actor, @Query() { limit, after, pack }: RolloutsQuery) {
    const found = await this.rollouts.list(actor, { limit: limit + 1, after, pack });
    const items = found.slice(0, limit);
    return { items, next: found.length > limit ? items.at(-1)?.id : null };
  }

  @Get(':rolloutId')
  @Performs('rollouts.read')
  @ApiOperation({ summary: 'How far a rollout is, by ring and in all' })
  get(@CurrentActor() actor: Actor, @Param('rolloutId') id: string) {
    return this.rollouts.get(actor, id);
  }

  @Get(':rolloutId/tenants')
  @Performs('rollouts.read')
  @ApiOperation({ summary: 'Every tenant that has the pack: its version, what became of it, its last error, and its drift' })
  listTenants(@CurrentActor() actor: Actor, @Param('rolloutId') id: string, @Query() query: RolloutTenantsQuery) {
    return this.tenants.list(actor, id, query);
  }

  @Post(':rolloutId/pause')
  @HttpCode(200)
  @Performs('rollouts.manage')
  @ApiOperation({ summary: 'Finish the tenants in hand and begin no other' })
  pause(@CurrentActor() actor: Actor, @Param('rolloutId') id: string) {
    return this.rollouts.pause(actor, id);
  }

  @Post(':rolloutId/resume')
  @HttpCode(200)
  @Performs('rollouts.manage')
  @ApiOperation({ summary: 'Go on; with the next ring when this one is over, whoever failed in it' })
  resume(@CurrentActor() actor: Actor, @Param('rolloutId') id: string) {
    return this.rollouts.resume(actor, id);
  }

  @Post(':rolloutId/retry')
  @HttpCode(200)
  @Performs('rollouts.manage')
  @ApiOperation({ summary: 'Try the tenants again that failed' })
  retry(@CurrentActor() actor: Actor, @Param('rolloutId') id: string) {
    return this.rollouts.retry(actor, id);
  }

  @Post(':rolloutId/cancel')
  @HttpCode(200)
  @Performs('rollouts.manage')
  @ApiOperation({ summary: 'Finish the tenants in hand and leave the others as they are, for good' })
  cancel(@CurrentActor() actor: Actor, @Param('rolloutId') id: string) {
    return this.rollouts.cancel(actor, id);
  }
}
