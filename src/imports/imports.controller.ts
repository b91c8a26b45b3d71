import { Readable } from 'node:stream';
import { Controller, Get, HttpCode, type OnModuleDestroy, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { withLongBody } from '../http/long-bodies.js';
import { Performs } from '../http/operation.decorator.js';
import { accessOf, actorOf, queryPairs, type ServiceRequest, tenantOfRequest } from '../http/request.js';
import { importEvents } from './import-events.js';
import { readImportOptions } from './import-options.js';
import { type Importer, ImportsService } from './imports.service.js';

/** Records from a stream, and how far such an import is. Each batch is a transaction of its own, so none spans the request. */
@ApiTags('imports')
@ApiBearerAuth()
@Controller('api/v1/tenants/:tenantId/imports')
export class ImportsController implements OnModuleDestroy {
  private readonly stopping = new AbortController();

  constructor(private readonly imports: ImportsService) {}

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  @Get()
  @Performs('records.import')
  @ApiOperation({ summary: 'The newest imports, of one entity or of all' })
  async list(@Req() request: ServiceRequest) {
    const items = await this.imports.list(importerOf(request), queryPairs(request).get('entity'));
    return { items, next: null };
  }

  @Get(':importId')
  @Performs('records.import')
  @ApiOperation({ summary: 'How far an import is, and which records it has passed over' })
  get(@Req() request: ServiceRequest, @Param('importId') id: string) {
    return this.imports.get(importerOf(request), id);
  }

  @Get(':importId/events')
  @Performs('records.import')
  @ApiOperation({ summary: 'How far an import is, as server-sent events until it is over' })
  async events(@Req() request: ServiceRequest, @Param('importId') id: string, @Res() reply: FastifyReply) {
    const by = importerOf(request);
    const look = () => this.imports.get(by, id);
    const first = await look();
    reply.headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    if (request.method === 'HEAD') return reply.send('');
    const left = new AbortController();
    request.raw.once('close', () => left.abort());
    const signal = AbortSignal.any([left.signal, this.stopping.signal]);
    return reply.send(Readable.from(importEvents(look, first, signal)));
  }

  @Post(':entity')
  @HttpCode(200)
  @Performs('records.import')
  @ApiOperation({ summary: 'Import records from NDJSON or CSV, as they arrive' })
  async run(@Req() request: ServiceRequest, @Param('entity') entity: string) {
    const options = readImportOptions(queryPairs(request), request.headers['content-type']);
    const { raw } = request;
    return withLongBody(raw, () => this.imports.run(importerOf(request), entity, options, raw));
  }
}

function importerOf(request: ServiceRequest): Importer {
  return { tenant: tenantOfRequest(request), actor: actorOf(request), access: accessOf(request) };
}
