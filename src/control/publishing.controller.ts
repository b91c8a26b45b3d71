import { Body, Controller, Get, HttpCode, Param, Post, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { TroubledTenant } from '../audit/publishing-status.js';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import { RetryPublishingBody, SkipEventBody } from './publishing.bodies.js';
import { PublishingService, type SinkView } from './publishing.service.js';

/** Where audit events are published, how far that is, and whose events wait. */
@ApiTags('publishing')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/publishing')
export class PublishingController {
  constructor(private readonly publishing: PublishingService) {}

  @Get()
  @Performs('publishing.read')
  @ApiOperation({ summary: 'Every place that audit events were ever published to: how far it is, and which tenants are parked' })
  async list(@CurrentActor() actor: Actor) {
    return { items: (await this.publishing.list(actor)).map(sinkView) };
  }

  @Post(':sink/tenants/:tenantId/retry')
  @HttpCode(200)
  @Performs('publishing.manage')
  @ApiOperation({ summary: 'Send the event again that a place did not take, at once' })
  async retry(
    @CurrentActor() actor: Actor,
    @Param('sink') sink: string,
    @Param('tenantId') tenantId: string,
    @Body() { reason }: RetryPublishingBody,
  ) {
    return tenantView(await this.publishing.retry(actor, sink, tenantId, reason));
  }

  @Post(':sink/tenants/:tenantId/skip')
  @HttpCode(200)
  @Performs('publishing.manage')
  @ApiOperation({ summary: 'Pass over the event that a place does not take, for good; those behind it follow' })
  async skip(
    @CurrentActor() actor: Actor,
    @Param('sink') sink: string,
    @Param('tenantId') tenantId: string,
    @Body() { sequence, reason }: SkipEventBody,
  ) {
    return tenantView(await this.publishing.skip(actor, sink, tenantId, sequence, reason));
  }
}

function sinkView(row: SinkView) {
  const { failures, failing_since: since, error } = row;
  return {
    sink: row.sink,
    label: row.label,
    running: row.is_running,
    lastUsedAt: row.used_at,
    failing: since === null ? null : { since, failures, error },
    tenantsBehind: row.tenants_behind,
    eventsBehind: Number(row.events_behind),
    lagSeconds: row.lag_seconds,
    parkedTenants: row.parked_tenants,
    troubled: row.troubled.map(tenantView),
  };
}

function tenantView(row: TroubledTenant) {
  return {
    tenantId: row.tenant_id,
    sequence: row.seq,
    eventId: row.event_id,
    state: row.parked_at === null ? 'retrying' : 'parked',
    failures: row.failures,
    parkedAt: row.parked_at,
    nextTryAt: row.next_try_at,
    error: row.error,
  };
}
