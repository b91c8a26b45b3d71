import { Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { Performs } from '../http/operation.decorator.js';
import { CurrentExchange } from '../http/parameters.js';
import type { Exchange } from '../http/tenant-transactions.js';
import { RecordCalls } from '../records/record-call.js';
import { DeletedRecords } from './deleted-records.js';

/** What was deleted and is kept (`softDelete`). */
@Controller('api/v1/tenants/:tenantId/deleted/:entity')
export class DeletedRecordsController {
  constructor(
    private readonly calls: RecordCalls,
    private readonly deleted: DeletedRecords,
  ) {}

  @Get()
  @Performs('deleted.read')
  list(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.deleted.list(call));
  }

  @Get(':id')
  @Performs('deleted.read')
  get(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.deleted.get(call));
  }

  @Post(':id/restore')
  @HttpCode(200)
  @Performs('deleted.restore')
  restore(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.deleted.restore(call));
  }

  @Delete(':id')
  @Performs('deleted.purge')
  purge(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.deleted.purge(call));
  }
}
