import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Performs } from '../http/operation.decorator.js';
import { accessOf, actorOf, queryPairs, type ServiceRequest, tenantOfRequest } from '../http/request.js';
import { MEDIA_TYPES } from './export-format.js';
import { ExportsService } from './exports.service.js';

/** All records of an entity as a stream. It ends as HTTP says an answer ends only when it is whole; else the connection breaks off. */
@ApiTags('exports')
@ApiBearerAuth()
@Controller('api/v1/tenants/:tenantId/exports')
export class ExportsController {
  constructor(private readonly exports: ExportsService) {}

  @Get(':entity')
  @Performs('records.export')
  @ApiOperation({ summary: 'Export the records of an entity as NDJSON or CSV' })
  async export(@Req() request: ServiceRequest, @Param('entity') entity: string, @Res() reply: FastifyReply) {
    const by = { tenant: tenantOfRequest(request), actor: actorOf(request), access: accessOf(request) };
    const { format, headers, stream } = await this.exports.begin(by, entity, queryPairs(request), request.headers.accept);
    reply.headers({
      'content-type': MEDIA_TYPES[format],
      'content-disposition': `attachment; filename="${entity}.${format}"`,
      'cache-control': 'no-store',
      vary: 'Accept',
      ...headers,
    });
    return reply.send(request.method === 'HEAD' ? '' : stream());
  }
}
