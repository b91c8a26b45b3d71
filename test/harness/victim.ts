import type { Actor } from '../../src/database/context-token.js';
import { ControlPlane } from '../../src/database/control-plane.js';
import { RuntimePool } from '../../src/database/runtime-pool.js';
import { WakeUp } from '../../src/database/wake-up.js';
import { ChangeRunner } from '../../src/entities/change-runner.js';
import { ChangesService } from '../../src/entities/changes.service.js';
import { EntityVersionRow, TenantSchemaRow } from '../../src/entities/entity.rows.js';
import { Planner } from '../../src/entities/planner.js';
import { KeyProviders } from '../../src/keys/key-providers.js';
import { LocalKeyring } from '../../src/keys/providers/local-keyring.js';
import { TenantKeys } from '../../src/keys/tenant-keys.js';
import { PackLibrary } from '../../src/library/pack-library.js';
import { TenantRow } from '../../src/tenants/tenant.row.js';
import { type Tenant, TenantDirectory } from '../../src/tenants/tenant-directory.js';
import type { KillScene } from './kill-scene.js';
import type { StatementKiller } from './statement-killer.js';

/**
 * The part of an instance that changes entities, in this process. Cut off from the database for good it is as dead to it as a
 * killed one, and a tenth of the time is enough for the next.
 */
export interface Victim {
  readonly changes: ChangesService;
  readonly runner: ChangeRunner;
  readonly tenant: Tenant;
  stop(): Promise<void>;
}

/** Whose changes they are. */
export const ACTOR: Actor = { subject: 'admin@test', roles: ['admin'], requestId: 'killed' };

const noop = (): void => {};

/** Read once: it takes longer than everything else a victim needs. */
const LIBRARY = PackLibrary.read(undefined);

/** For the tenant of the scene, with the database by way of the killer. */
export async function startVictim({ around, other, tenant }: KillScene, killer: StatementKiller): Promise<Victim> {
  const controlUrl = killer.through(around.database.controlUrl);
  const controlPlane = new ControlPlane({
    ...{ url: controlUrl, contextKeys: [around.database.contextKey] },
    entities: [TenantRow, TenantSchemaRow, EntityVersionRow],
  });
  await controlPlane.dataSource.initialize();
  const pool = new RuntimePool({
    ...{ url: killer.through(around.database.runtimeUrl), size: 2, statementTimeoutMs: 15_000 },
    ...{ contextKey: around.database.contextKey, onError: noop },
  });
  const directory = new TenantDirectory(controlPlane, new WakeUp(controlUrl, noop), noop);
  // Never by way of the killer: what dies is the work on a change.
  const keyPlane = new ControlPlane({ url: around.database.controlUrl, contextKeys: [around.database.contextKey], entities: [] });
  await keyPlane.dataSource.initialize();
  const keyring = new LocalKeyring(around.environment.KEYRING_FILE as string, { environment: 'test', allowInProduction: false });
  const providers = new KeyProviders('local', new Map([['local', keyring]]));
  const keys = new TenantKeys({ controlPlane: keyPlane, providers, lifetimeMs: 60_000, onFault: noop });
  const planner = new Planner(pool, LIBRARY, keys);
  const runner = new ChangeRunner(controlPlane, pool, directory, planner, keys, noop);
  const found = await other.service.directory.find(tenant.id);
  return {
    changes: new ChangesService(controlPlane, directory, planner, runner, keys),
    ...{ runner, tenant: found as Tenant },
    stop: async () => {
      await runner.stop();
      await Promise.all([controlPlane.close(), keyPlane.close(), pool.end()]);
    },
  };
}
