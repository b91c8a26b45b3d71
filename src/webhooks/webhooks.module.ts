import { Module } from '@nestjs/common';
import { EntityViews } from '../entities/entity-views.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { readNetworks } from './safe-address.js';
import { resolveName } from './safe-connector.js';
import { SafeRequests } from './safe-requests.js';
import { WebhookDeliveriesController } from './webhook-deliveries.controller.js';
import { WebhookDeliveriesService } from './webhook-deliveries.service.js';
import { REDACTION } from './webhook-message.js';
import { WebhookMetrics } from './webhook-metrics.js';
import { WebhookRunner } from './webhook-runner.js';
import { WebhookSweep } from './webhook-sweep.js';
import { WebhookTestService } from './webhook-test.service.js';
import { WebhookTurns } from './webhook-turns.js';
import { WebhooksController } from './webhooks.controller.js';
import { WebhooksService } from './webhooks.service.js';
import { withheldValues } from './withheld-values.js';

@Module({
  controllers: [WebhooksController, WebhookDeliveriesController],
  providers: [
    {
      provide: SafeRequests,
      inject: [SETTINGS],
      useFactory: ({ WEBHOOK_ALLOWED_NETWORKS }: Settings) =>
        new SafeRequests({ allowed: readNetworks(WEBHOOK_ALLOWED_NETWORKS), resolve: resolveName }),
    },
    { provide: REDACTION, inject: [EntityViews], useFactory: withheldValues },
    WebhookMetrics,
    WebhookTurns,
    WebhookRunner,
    WebhookSweep,
    WebhooksService,
    WebhookDeliveriesService,
    WebhookTestService,
  ],
})
export class WebhooksModule {}
