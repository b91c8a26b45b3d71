import { Module } from '@nestjs/common';
import { ExportsController } from './exports.controller.js';
import { ExportsService } from './exports.service.js';
import { ImportSweep } from './import-sweep.js';
import { ImportsController } from './imports.controller.js';
import { ImportsService } from './imports.service.js';

@Module({ controllers: [ExportsController, ImportsController], providers: [ExportsService, ImportsService, ImportSweep] })
export class ImportsModule {}
