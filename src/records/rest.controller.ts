import { Controller, Delete, Get, Patch, Post, Put } from '@nestjs/common';
import { Performs } from '../http/operation.decorator.js';
import { InTenant } from '../http/tenant-transaction.interceptor.js';
import { FilteredChanges } from './filtered-changes.js';
import { KeyedPuts } from './keyed-puts.js';
import { Call, type RecordCall } from './record-call.js';
import { RecordReads } from './record-reads.js';
import { RecordWrites } from './record-writes.js';

/** The records of the token's tenant where the clients of PostgREST look for them. */
@Controller('rest/v1/:entity')
@InTenant()
export class RestController {
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
}
