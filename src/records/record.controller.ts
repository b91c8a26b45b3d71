import { Controller, Delete, Get, Patch, Put } from '@nestjs/common';
import { Performs } from '../http/operation.decorator.js';
import { InTenant } from '../http/tenant-transaction.interceptor.js';
import { Call, type RecordCall } from './record-call.js';
import { RecordReads } from './record-reads.js';
import { RecordWrites } from './record-writes.js';

/** One record, by its id. */
@Controller('api/v1/tenants/:tenantId/records/:entity/:id')
@InTenant()
export class RecordController {
  constructor(
    private readonly reads: RecordReads,
    private readonly writes: RecordWrites,
  ) {}

  @Get()
  @Performs('records.read')
  get(@Call() call: RecordCall) {
    return this.reads.get(call);
  }

  @Put()
  @Performs('records.update')
  replace(@Call() call: RecordCall) {
    return this.writes.replace(call);
  }

  @Patch()
  @Performs('records.update')
  patch(@Call() call: RecordCall) {
    return this.writes.patch(call);
  }

  @Delete()
  @Performs('records.delete')
  remove(@Call() call: RecordCall) {
    return this.writes.remove(call);
  }
}
