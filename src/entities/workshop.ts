import type { ControlPlane } from '../database/control-plane.js';
import type { RuntimePool } from '../database/runtime-pool.js';
import type { TenantKeys } from '../keys/tenant-keys.js';
import type { LongStatements } from './long-statements.js';
import type { Planner } from './planner.js';

/** What changes are carried out with. */
export interface Workshop {
  readonly controlPlane: ControlPlane;
  readonly pool: RuntimePool;
  readonly planner: Planner;
  readonly keys: TenantKeys;
  readonly long: LongStatements;
  /** Who holds the lease. */
  readonly holder: string;
  readonly isStopping: () => boolean;
}
