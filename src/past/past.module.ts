import { Module } from '@nestjs/common';
import { RecordsModule } from '../records/records.module.js';
import { DeletedRecordsController } from './deleted-records.controller.js';
import { DeletedRecords } from './deleted-records.js';
import { RecordHistoryController } from './record-history.controller.js';
import { RecordHistory } from './record-history.js';

@Module({
  imports: [RecordsModule],
  controllers: [DeletedRecordsController, RecordHistoryController],
  providers: [DeletedRecords, RecordHistory],
})
export class PastModule {}
