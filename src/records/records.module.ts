import { Module } from '@nestjs/common';
import { FilteredChanges } from './filtered-changes.js';
import { KeyedPuts } from './keyed-puts.js';
import { ListCursors } from './list-cursors.js';
import { RecordController } from './record.controller.js';
import { RecordCalls } from './record-call.js';
import { RecordReads } from './record-reads.js';
import { RecordUpserts } from './record-upserts.js';
import { RecordWrites } from './record-writes.js';
import { RecordsController } from './records.controller.js';

@Module({
  controllers: [RecordsController, RecordController],
  providers: [FilteredChanges, KeyedPuts, ListCursors, RecordCalls, RecordReads, RecordUpserts, RecordWrites],
  exports: [RecordCalls],
})
export class RecordsModule {}
