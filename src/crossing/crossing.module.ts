import { Module } from '@nestjs/common';
import { AdminQueries } from './admin-queries.js';
import { AdminQueryController } from './admin-query.controller.js';
import { TenantReader } from './tenant-reader.js';

@Module({
  controllers: [AdminQueryController],
  providers: [AdminQueries, TenantReader],
})
export class CrossingModule {}
