import { Module } from '@nestjs/common';
import { PacksModule } from '../packs/packs.module.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeysService } from './api-keys.service.js';
import { AuditController } from './audit.controller.js';
import { AuditChainController } from './audit-chain.controller.js';
import { AuditChainsService } from './audit-chains.service.js';
import { ErasuresController } from './erasures.controller.js';
import { ErasuresService } from './erasures.service.js';
import { GrantsController } from './grants.controller.js';
import { GrantsService } from './grants.service.js';
import { HealthController } from './health.controller.js';
import { PublishingController } from './publishing.controller.js';
import { PublishingService } from './publishing.service.js';
import { RolesController } from './roles.controller.js';
import { RolesService } from './roles.service.js';
import { SessionController } from './session.controller.js';
import { TenantGrantsController } from './tenant-grants.controller.js';
import { TenantsController } from './tenants.controller.js';

@Module({
  imports: [PacksModule],
  providers: [ApiKeysService, AuditChainsService, PublishingService, RolesService, ErasuresService, GrantsService],
  controllers: [
    HealthController,
    SessionController,
    TenantsController,
    AuditController,
    AuditChainController,
    PublishingController,
    ErasuresController,
    ApiKeysController,
    RolesController,
    GrantsController,
    TenantGrantsController,
  ],
})
export class ControlModule {}
