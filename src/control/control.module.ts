import { Module } from '@nestjs/common';
import { PacksModule } from '../packs/packs.module.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeysService } from './api-keys.service.js';
import { AuditController } from './audit.controller.js';
import { HealthController } from './health.controller.js';
import { SessionController } from './session.controller.js';
import { TenantsController } from './tenants.controller.js';

@Module({
  imports: [PacksModule],
  providers: [ApiKeysService],
  controllers: [HealthController, SessionController, TenantsController, AuditController, ApiKeysController],
})
export class ControlModule {}
