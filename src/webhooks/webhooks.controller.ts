import { Body, Controller, Delete, Get, Header, HttpCode, Param, Patch, Post, Query, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { PageQuery } from '../control/page.query.js';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor, CurrentTenant } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { CreateWebhookBody, RotateWebhookBody, UpdateWebhookBody } from './webhook.bodies.js';
import { webhookView } from './webhook-view.js';
import { WebhooksService } from './webhooks.service.js';

/** Where a tenant's events are sent to. A secret is shown once, in the answer that makes it. */
@ApiTags('webhooks')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/tenants/:tenantId/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @Post()
  @Header('Cache-Control', 'no-store')
  @Performs('webhooks.manage')
  @ApiOperation({ summary: 'Make a webhook; this answer is the only one that shows its secret' })
  async create(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Body() body: CreateWebhookBody) {
    const { secret, row } = await this.webhooks.create(actor, tenant, body);
    return { ...webhookView(row), secret };
  }

  @Get()
  @Performs('webhooks.read')
  @ApiOperation({ summary: 'List the webhooks, in order of creation' })
  async list(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Query() { limit, after }: PageQuery) {
    const rows = await this.webhooks.list(actor, tenant, { limit: limit + 1, after });
    const items = rows.slice(0, limit).map(webhookView);
    return { items, next: rows.length > limit ? items.at(-1)?.id : null };
  }

  @Get(':webhookId')
  @Performs('webhooks.read')
  @ApiOperation({ summary: 'Get a webhook: how far it is, how it fares, how far a replay has come' })
  async get(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Param('webhookId') id: string) {
    return webhookView(await this.webhooks.get(actor, tenant, id));
  }

  @Patch(':webhookId')
  @Performs('webhooks.manage')
  @ApiOperation({
    summary: 'Change, disable or enable a webhook; what happens while it is disabled is not sent, but can be replayed',
  })
  async update(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('webhookId') id: string,
    @Body() body: UpdateWebhookBody,
  ) {
    return webhookView(await this.webhooks.update(actor, tenant, id, body));
  }

  @Post(':webhookId/rotate')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @Performs('webhooks.manage')
  @ApiOperation({ summary: 'Give a webhook another secret, shown in this answer only; the former one signs too for a while' })
  async rotate(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('webhookId') id: string,
    @Body() { overlapSeconds }: RotateWebhookBody,
  ) {
    const { secret, row } = await this.webhooks.rotate(actor, tenant, id, overlapSeconds);
    return { ...webhookView(row), secret };
  }

  @Delete(':webhookId')
  @HttpCode(204)
  @Performs('webhooks.manage')
  @ApiOperation({ summary: 'Delete a webhook and what is known of its deliveries' })
  async delete(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Param('webhookId') id: string): Promise<void> {
    await this.webhooks.delete(actor, tenant, id);
  }
}
