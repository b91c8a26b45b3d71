import { Module } from '@nestjs/common';
import { AuditController } from './audit.controller.js';
import { HealthController } from './health.controller.js';
import { SessionController } from './session.controller.js';
import { TenantsController } from './tenants.controller.js';

@Module({ controllers: [HealthController, SessionController, TenantsController, AuditController] })
export class ControlModule {}
