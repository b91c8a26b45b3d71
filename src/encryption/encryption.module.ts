import { Module } from '@nestjs/common';
import { KeyJobMetrics } from './key-job-metrics.js';
import { KeyJobRunner } from './key-job-runner.js';
import { KeyJobs } from './key-jobs.js';
import { KeysController } from './keys.controller.js';
import { KeysService } from './keys.service.js';
import { Shredding } from './shredding.js';
import { SubjectShredding } from './subject-shredding.js';

@Module({
  controllers: [KeysController],
  providers: [KeyJobMetrics, KeyJobRunner, KeyJobs, KeysService, Shredding, SubjectShredding],
})
export class EncryptionModule {}
