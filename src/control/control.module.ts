import { Module } from '@nestjs/common';
import { PacksModule } from '../packs/packs.module.js';
import { AuditController } from './audit.controller.js';
import { HealthController } from './health.controller.js';
import { SessionController } from './session.controller.js';
import { TenantsController } from './tenants.controller.js';

@Module({ imports: [PacksModule], controllers: [HealthController, SessionController, TenantsController, AuditController] })
export class ControlModule {}
