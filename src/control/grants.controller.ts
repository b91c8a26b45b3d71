import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../database/context-token.js';
import { DenialLog } from '../http/denial-log.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor } from '../http/parameters.js';
import { principalOf, type ServiceRequest } from '../http/request.js';
import { validation } from '../http/validation.pipe.js';
import { Problem } from '../platform/problem.js';
import { CreateGrantBody } from './grant.bodies.js';
import { platformGrantView } from './grant-views.js';
import { GrantsService } from './grants.service.js';
import { PageQuery } from './page.query.js';

/** Access grants of system administrators. One in force is used as `X-Access-Grant: <id>` on the routes of the tenants it names. */
@ApiTags('access grants')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/grants')
export class GrantsController {
  constructor(
    private readonly grants: GrantsService,
    private readonly denials: DenialLog,
  ) {}

  @Post()
  @Performs('grants.create')
  @ApiOperation({ summary: 'Open tenants to oneself, for a reason and for a time; each of them is told' })
  async create(@CurrentActor() actor: Actor, @Body() body: CreateGrantBody) {
    return platformGrantView(await this.grants.create(actor, body));
  }

  @Get()
  @Performs('grants.read')
  @ApiOperation({ summary: 'List access grants, newest first' })
  async list(@CurrentActor() actor: Actor, @Query() { limit, after }: PageQuery) {
    const rows = await this.grants.list(actor, { limit: limit + 1, after });
    const items = rows.slice(0, limit).map(platformGrantView);
    return { items, next: rows.length > limit ? items.at(-1)?.id : null };
  }

  @Get(':grantId')
  @Performs('grants.read')
  @ApiOperation({ summary: 'Get an access grant: its state, and how often it was used' })
  async get(@CurrentActor() actor: Actor, @Param('grantId') id: string) {
    return platformGrantView(await this.grants.get(actor, id));
  }

  @Post(':grantId/approve')
  @HttpCode(200)
  @Performs('grants.approve')
  @ApiOperation({ summary: "Approve another's access grant" })
  async approve(@Req() request: ServiceRequest, @CurrentActor() actor: Actor, @Param('grantId') id: string) {
    const approving = this.grants.approve(actor, id).catch(async (error: unknown) => {
      if (error instanceof Problem && error.code === 'auth/forbidden') {
        await this.denials.record(request, principalOf(request), 'grants.approve');
      }
      throw error;
    });
    return platformGrantView(await approving);
  }

  @Delete(':grantId')
  @HttpCode(204)
  @Performs('grants.revoke')
  @ApiOperation({ summary: "Revoke an access grant, one's own or another's: at once, on all instances, for good" })
  async revoke(@CurrentActor() actor: Actor, @Param('grantId') id: string): Promise<void> {
    await this.grants.revoke(actor, id);
  }
}
