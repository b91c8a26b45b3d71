import { Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { EntitiesModule } from '../entities/entities.module.js';
import { PacksController } from './packs.controller.js';
import { PacksService } from './packs.service.js';
import { RolloutRehearsal } from './rollout-rehearsal.js';
import { RolloutRunner } from './rollout-runner.js';
import { RolloutTenantsService } from './rollout-tenants.service.js';
import { RolloutsController } from './rollouts.controller.js';
import { RolloutsService } from './rollouts.service.js';
import { TenantUpgrades } from './tenant-upgrades.js';

@Module({
  imports: [EntitiesModule],
  controllers: [PacksController, RolloutsController],
  providers: [PacksService, RolloutRehearsal, RolloutRunner, RolloutTenantsService, RolloutsService, TenantUpgrades],
  exports: [PacksService],
})
export class PacksModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(@Inject(RolloutRunner) private readonly runner: RolloutRunner) {}

  /** Rollouts that an instance left undone are gone on with here. */
  onApplicationBootstrap(): void {
    this.runner.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.runner.stop();
  }
}
