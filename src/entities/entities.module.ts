import { Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ControlPlane } from '../database/control-plane.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import { PackLibrary } from '../library/pack-library.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';
import { ChangeProgressService } from './change-progress.service.js';
import { ChangeRunner } from './change-runner.js';
import { ChangesService } from './changes.service.js';
import { EntitiesController } from './entities.controller.js';
import { EntitiesService } from './entities.service.js';
import { EntityChangesController } from './entity-changes.controller.js';
import { EntityLifeService } from './entity-life.service.js';
import { EntityVersionsController } from './entity-versions.controller.js';
import { PastSweep } from './past-sweep.js';
import { Planner } from './planner.js';
import { PurgeSweep } from './purge-sweep.js';
import { RetentionService } from './retention.service.js';
import { VersionsService } from './versions.service.js';

@Module({
  controllers: [EntitiesController, EntityVersionsController, EntityChangesController],
  providers: [
    EntitiesService,
    ChangesService,
    VersionsService,
    RetentionService,
    EntityLifeService,
    ChangeProgressService,
    {
      provide: Planner,
      inject: [RuntimePool, PackLibrary, TenantKeys],
      useFactory: (pool: RuntimePool, packs: PackLibrary, keys: TenantKeys) => new Planner(pool, packs, keys),
    },
    {
      provide: ChangeRunner,
      inject: [ControlPlane, RuntimePool, TenantDirectory, Planner, TenantKeys, LOGGER],
      useFactory: (
        control: ControlPlane,
        pool: RuntimePool,
        directory: TenantDirectory,
        planner: Planner,
        keys: TenantKeys,
        logger: Logger,
      ) => {
        const onError = (err: unknown): void => logger.warn({ err }, 'a schema change is not finished');
        return new ChangeRunner(control, pool, directory, planner, keys, onError);
      },
    },
    {
      provide: PurgeSweep,
      inject: [ControlPlane, TenantDirectory, LOGGER],
      useFactory: (control: ControlPlane, directory: TenantDirectory, logger: Logger) =>
        new PurgeSweep(control, directory, (err) => logger.warn({ err }, 'what is due was not purged')),
    },
    {
      provide: PastSweep,
      inject: [ControlPlane, TenantDirectory, LOGGER],
      useFactory: (control: ControlPlane, directory: TenantDirectory, logger: Logger) =>
        new PastSweep(control, directory, (err) => logger.warn({ err }, 'a partition of the past was not kept')),
    },
  ],
  exports: [ChangesService],
})
export class EntitiesModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(ChangeRunner) private readonly runner: ChangeRunner,
    @Inject(PurgeSweep) private readonly purge: PurgeSweep,
    @Inject(PastSweep) private readonly past: PastSweep,
  ) {}

  /** What an instance that is gone has left undone is gone on with here. */
  onApplicationBootstrap(): void {
    this.runner.start();
    this.purge.start();
    this.past.start();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.runner.stop(), this.purge.stop(), this.past.stop()]);
  }
}
