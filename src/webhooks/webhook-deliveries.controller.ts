import { Body, Controller, Get, HttpCode, Param, Post, Query, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor, CurrentTenant } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { DeliveriesQuery, ReplayBody } from './webhook.bodies.js';
import { WebhookDeliveriesService } from './webhook-deliveries.service.js';
import { WebhookTestService } from './webhook-test.service.js';
import { deliveryView, webhookView } from './webhook-view.js';

/** What a webhook was sent and how it went: statuses and times, never what a receiver said. */
@ApiTags('webhooks')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/tenants/:tenantId/webhooks/:webhookId')
export class WebhookDeliveriesController {
  constructor(
    private readonly deliveries: WebhookDeliveriesService,
    private readonly tests: WebhookTestService,
  ) {}

  @Post('test')
  @HttpCode(200)
  @Performs('webhooks.manage')
  @ApiOperation({ summary: 'Send the event `webhook.test` now; answers with the status of the receiver and how long it took' })
  async test(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Param('webhookId') id: string) {
    const { status, error, ms } = await this.tests.test(actor, tenant, id);
    return { delivered: error === null, status, error, ms };
  }

  @Get('deliveries')
  @Performs('webhooks.read')
  @ApiOperation({
    summary:
      'List deliveries, latest events first; `status=dead` are the dead letters. What was delivered is listed for 7 days, dead letters for 30',
  })
  async list(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('webhookId') id: string,
    @Query() { limit, ...page }: DeliveriesQuery,
  ) {
    const rows = await this.deliveries.list(actor, tenant, id, { ...page, limit: limit + 1 });
    const items = rows.slice(0, limit).map(deliveryView);
    return { items, next: rows.length > limit ? items.at(-1)?.id : null };
  }

  @Post('deliveries/:deliveryId/retry')
  @HttpCode(202)
  @Performs('webhooks.manage')
  @ApiOperation({ summary: 'Deliver an event once more, now, whatever became of it before' })
  async retry(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('webhookId') id: string,
    @Param('deliveryId') deliveryId: string,
  ) {
    return deliveryView(await this.deliveries.retry(actor, tenant, id, deliveryId));
  }

  @Post('replay')
  @HttpCode(202)
  @Performs('webhooks.manage')
  @ApiOperation({ summary: 'Send earlier events once more, with their ids of then; `replay` of the webhook tells how far it is' })
  async replay(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('webhookId') id: string,
    @Body() body: ReplayBody,
  ) {
    return webhookView(await this.deliveries.replay(actor, tenant, id, body));
  }
}
