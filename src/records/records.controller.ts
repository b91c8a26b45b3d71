import { Controller, Delete, Get, Patch, Post, Put } from '@nestjs/common';
import { Performs } from '../http/operation.decorator.js';
import { InTenant } from '../http/tenant-transaction.interceptor.js';
import { Call, type RecordCall } from './record-call.js';
import { RecordsService } from './records.service.js';

@Controller('api/v1/tenants/:tenantId/records/:entity')
@InTenant()
export class RecordsController {
  constructor(private readonly records: RecordsService) {}

  @Get()
  @Performs('records.read')
  list(@Call() call: RecordCall) {
    return this.records.list(call);
  }

  @Get(':id')
  @Performs('records.read')
  get(@Call() call: RecordCall) {
    return this.records.get(call);
  }

  @Post()
  @Performs('records.create')
  insert(@Call() call: RecordCall) {
    return this.records.insert(call);
  }

  @Put(':id')
  @Performs('records.update')
  replace(@Call() call: RecordCall) {
    return this.records.replace(call);
  }

  @Patch(':id')
  @Performs('records.update')
  patch(@Call() call: RecordCall) {
    return this.records.patch(call);
  }

  @Delete(':id')
  @Performs('records.delete')
  remove(@Call() call: RecordCall) {
    return this.records.remove(call);
  }
}
