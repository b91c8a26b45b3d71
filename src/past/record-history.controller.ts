import { Controller, Delete, Get } from '@nestjs/common';
import { Performs } from '../http/operation.decorator.js';
import { CurrentExchange } from '../http/parameters.js';
import type { Exchange } from '../http/tenant-transactions.js';
import { RecordCalls } from '../records/record-call.js';
import { RecordHistory } from './record-history.js';

/** What happened to one record (`history`). */
@Controller('api/v1/tenants/:tenantId/records/:entity/:id/history')
export class RecordHistoryController {
  constructor(
    private readonly calls: RecordCalls,
    private readonly history: RecordHistory,
  ) {}

  @Get()
  @Performs('history.read')
  list(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.history.list(call));
  }

  @Delete()
  @Performs('history.purge')
  purge(@CurrentExchange() exchange: Exchange) {
    return this.calls.answer(exchange, (call) => this.history.purge(call));
  }
}
