import { Controller, Delete, Get, Patch, Post, Put } from '@nestjs/common';
import { Performs } from '../http/operation.decorator.js';
import { CurrentExchange } from '../http/parameters.js';
import { REST_BASE } from '../http/rest-base.js';
import type { Exchange } from '../http/tenant-transactions.js';
import { FilteredChanges } from './filtered-changes.js';
import { KeyedPuts } from './keyed-puts.js';
import { RecordCalls } from './record-call.js';
import { RecordReads } from './record-reads.js';
import { RecordWrites } from './record-writes.js';

/** The records of an entity: of the tenant in the path, or of the token's where the clients of PostgREST look for them. */
@Controller(['api/v1/tenants/:tenantId/records/:entity', `${REST_BASE}/:entity`])
export class RecordsController {
  constructor(
    private readonly calls: RecordCalls,
    private readonly reads: RecordReads,
    private readonly writes: RecordWrites,
    private readonly puts: KeyedPuts,
    private readonly filtered: FilteredChanges,
  ) {}

  @Get()
  @Performs('records.read')
  list(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.reads.list(call));
  }

  @Post()
  @Performs('records.create')
  insert(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.writes.insert(call));
  }

  @Put()
  @Performs('records.update')
  put(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.puts.put(call));
  }

  @Patch()
  @Performs('records.update')
  patchFound(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.filtered.patch(call));
  }

  @Delete()
  @Performs('records.delete')
  removeFound(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.filtered.remove(call));
  }
}
