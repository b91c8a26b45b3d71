import { Inject, Injectable } from '@nestjs/common';
import { ControlPlane } from '../database/control-plane.js';
import { ExpirySweep } from '../database/expiry-sweep.js';
import { LOGGER, type Logger } from '../platform/log.js';

/** Forgets deliveries whose time is over. The events stay in the trail. */
@Injectable()
export class WebhookSweep extends ExpirySweep {
  constructor(controlPlane: ControlPlane, @Inject(LOGGER) logger: Logger) {
    super(controlPlane, logger, {
      ...{ table: 'business_store_service.webhook_deliveries', column: 'expires_at', until: 'now()' },
      ...{ everyMs: 3_600_000, requestId: 'webhooks', whenFailed: 'old deliveries of webhooks were not forgotten' },
    });
  }
}
