import { Controller, Delete, Get, Patch, Post, Put } from '@nestjs/common';
import { Performs } from '../http/operation.decorator.js';
import { InTenant } from '../http/tenant-transaction.interceptor.js';
import { FilteredChanges } from './filtered-changes.js';
import { KeyedPuts } from './keyed-puts.js';
import { Call, type RecordCall } from './record-call.js';
import { RecordReads } from './record-reads.js';
import { RecordWrites } from './record-writes.js';

@Controller('api/v1/tenants/:tenantId/records/:entity')
@InTenant()
export class RecordsController {
  constructor(
    private readonly reads: RecordReads,
    private readonly writes: RecordWrites,
    private readonly puts: KeyedPuts,
    private readonly filtered: FilteredChanges,
  ) {}

  @Get()
  @Performs('records.read')
  list(@Call() call: RecordCall) {
    return this.reads.list(call);
  }

  @Get(':id')
  @Performs('records.read')
  get(@Call() call: RecordCall) {
    return this.reads.get(call);
  }

  @Post()
  @Performs('records.create')
  insert(@Call() call: RecordCall) {
    return this.writes.insert(call);
  }

  @Put()
  @Performs('records.update')
  put(@Call() call: RecordCall) {
    return this.puts.put(call);
  }

  @Patch()
  @Performs('records.update')
  patchFound(@Call() call: RecordCall) {
    return this.filtered.patch(call);
  }

  @Delete()
  @Performs('records.delete')
  removeFound(@Call() call: RecordCall) {
    return this.filtered.remove(call);
  }

  @Put(':id')
  @Performs('records.update')
  replace(@Call() call: RecordCall) {
    return this.writes.replace(call);
  }

  @Patch(':id')
  @Performs('records.update')
  patch(@Call() call: RecordCall) {
    return this.writes.patch(call);
  }

  @Delete(':id')
  @Performs('records.delete')
  remove(@Call() call: RecordCall) {
    return this.writes.remove(call);
  }
}
