import { Controller, Delete, Get, Patch, Put } from '@nestjs/common';
import { Performs } from '../http/operation.decorator.js';
import { CurrentExchange } from '../http/parameters.js';
import type { Exchange } from '../http/tenant-transactions.js';
import { RecordCalls } from './record-call.js';
import { RecordReads } from './record-reads.js';
import { RecordWrites } from './record-writes.js';

/** One record, by its id. */
@Controller('api/v1/tenants/:tenantId/records/:entity/:id')
export class RecordController {
  constructor(
    private readonly calls: RecordCalls,
    private readonly reads: RecordReads,
    private readonly writes: RecordWrites,
  ) {}

  @Get()
  @Performs('records.read')
  get(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.reads.get(call));
  }

  @Put()
  @Performs('records.update')
  replace(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.writes.replace(call));
  }

  @Patch()
  @Performs('records.update')
  patch(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.writes.patch(call));
  }

  @Delete()
  @Performs('records.delete')
  remove(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.writes.remove(call));
  }
}
