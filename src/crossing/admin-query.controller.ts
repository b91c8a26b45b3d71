import { Body, Controller, HttpCode, Post, Req, Res, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { DenialLog } from '../http/denial-log.js';
import { Performs } from '../http/operation.decorator.js';
import { actorOf, grantNamed, principalOf, type ServiceRequest } from '../http/request.js';
import { validation } from '../http/validation.pipe.js';
import { Problem } from '../platform/problem.js';
import { AdminQueries } from './admin-queries.js';
import { AdminQueryBody } from './admin-query.body.js';

/** One list of many tenants, for a system administrator with an access grant. */
@ApiTags('access grants')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/admin/query')
export class AdminQueryController {
  constructor(
    private readonly queries: AdminQueries,
    private readonly denials: DenialLog,
  ) {}

  @Post()
  @HttpCode(200)
  @Performs('admin.query')
  @ApiHeader({ name: 'X-Access-Grant', required: false, description: 'The access grant, when it is not in the body.' })
  @ApiOperation({ summary: 'Ask the tenants of an access grant for records, as NDJSON' })
  async query(@Req() request: ServiceRequest, @Body() body: AdminQueryBody, @Res() reply: FastifyReply) {
    const principal = principalOf(request);
    const intent = { operation: 'admin.query', method: request.method, route: request.routeOptions.url ?? '' };
    const asker = { principal, actor: actorOf(request), grantId: body.grant ?? grantNamed(request), intent };
    const stream = await this.queries.begin(asker, body).catch(async (error: unknown) => {
      if (error instanceof Problem && error.status === 403) await this.denials.record(request, principal, 'admin.query');
      throw error;
    });
    reply.headers({ 'content-type': 'application/x-ndjson; charset=utf-8', 'cache-control': 'no-store' });
    return reply.send(stream);
  }
}
