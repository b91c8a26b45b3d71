import { Module } from '@nestjs/common';
import { RecordReads } from './record-reads.js';
import { RecordWrites } from './record-writes.js';
import { RecordsController } from './records.controller.js';
import { RestController } from './rest.controller.js';

@Module({ controllers: [RecordsController, RestController], providers: [RecordReads, RecordWrites] })
export class RecordsModule {}
