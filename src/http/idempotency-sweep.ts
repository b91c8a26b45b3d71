import { Inject, Injectable } from '@nestjs/common';
import { ControlPlane } from '../database/control-plane.js';
import { ExpirySweep } from '../database/expiry-sweep.js';
import { LOGGER, type Logger } from '../platform/log.js';

/** Deletes expired answers. They count as absent from the moment they expire. */
@Injectable()
export class IdempotencySweep extends ExpirySweep {
  constructor(controlPlane: ControlPlane, @Inject(LOGGER) logger: Logger) {
    super(controlPlane, logger, {
      ...{ table: 'business_store_service.idempotency_keys', column: 'expires_at', until: 'now()' },
      ...{ everyMs: 3_600_000, requestId: 'idempotency', whenFailed: 'expired answers were not deleted' },
    });
  }
}
