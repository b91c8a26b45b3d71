import { Controller, Delete, Get, Patch, Post, Put } from '@nestjs/common';
import { Performs } from '../http/operation.decorator.js';
import { REST_BASE } from '../http/rest-base.js';
import { InTenant } from '../http/tenant-transaction.interceptor.js';
import { FilteredChanges } from './filtered-changes.js';
import { KeyedPuts } from './keyed-puts.js';
import { Call, type RecordCall } from './record-call.js';
import { RecordReads } from './record-reads.js';
import { RecordWrites } from './record-writes.js';

/** The records of an entity: of the tenant in the path, or of the token's where the clients of PostgREST look for them. */
@Controller(['api/v1/tenants/:tenantId/records/:entity', `${REST_BASE}/:entity`])
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
