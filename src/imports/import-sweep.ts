import { Inject, Injectable } from '@nestjs/common';
import { ControlPlane } from '../database/control-plane.js';
import { ExpirySweep } from '../database/expiry-sweep.js';
import { LOGGER, type Logger } from '../platform/log.js';

/** Forgets imports that nobody has touched for a month. What they stored stays. */
@Injectable()
export class ImportSweep extends ExpirySweep {
  constructor(controlPlane: ControlPlane, @Inject(LOGGER) logger: Logger) {
    super(controlPlane, logger, {
      ...{ table: 'business_store_service.imports', column: 'updated_at', until: "now() - interval '30 days'" },
      ...{ everyMs: 6 * 3_600_000, requestId: 'imports', whenFailed: 'old imports were not forgotten' },
    });
  }
}
