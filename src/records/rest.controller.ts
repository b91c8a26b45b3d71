import { Controller, Get, Post } from '@nestjs/common';
import { Performs } from '../http/operation.decorator.js';
import { InTenant } from '../http/tenant-transaction.interceptor.js';
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
}
