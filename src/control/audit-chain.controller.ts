import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { Controller, Get, Inject, Query, Req, Res, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { Performs } from '../http/operation.decorator.js';
import { actorOf, type ServiceRequest, tenantOfRequest } from '../http/request.js';
import { validation } from '../http/validation.pipe.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { AuditChainsService, type ToldReport } from './audit-chains.service.js';

export class VerifyQuery {
  @ApiPropertyOptional({ minimum: 1, default: 1, description: 'The first event to verify; what comes before it is believed.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  from = 1;
}

/** The chain of a tenant's trail: recomputed here, or taken away to be recomputed anywhere; and the keys that vouch for it. */
@ApiTags('audit')
@Controller('api/v1')
export class AuditChainController {
  constructor(
    private readonly chains: AuditChainsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get('audit/keys')
  @Performs('audit.keys')
  @ApiOperation({ summary: 'Public keys of the checkpoints of all trails, as a JWK Set' })
  keys() {
    return this.chains.keys;
  }

  /** With `Accept: application/x-ndjson` a line says how far it is every so often; the last line is the report. */
  @Get('tenants/:tenantId/audit/verify')
  @Performs('audit.verify')
  @UsePipes(validation)
  @ApiBearerAuth()
  @ApiOperation({ summary: "Recompute the chain of the tenant's trail, and check it against its checkpoints" })
  async verify(@Req() request: ServiceRequest, @Query() query: VerifyQuery, @Res() reply: FastifyReply) {
    if (request.method === 'HEAD') return reply.send('');
    const steps = this.chains.verify(tenantOfRequest(request), actorOf(request), query.from);
    reply.header('cache-control', 'no-store').header('vary', 'Accept');
    if (!request.headers.accept?.includes('application/x-ndjson')) {
      for await (const step of steps) if (typeof step !== 'number') return reply.send(step);
    }
    return reply.header('content-type', 'application/x-ndjson').send(this.told(steps, request.id));
  }

  @Get('tenants/:tenantId/audit/export')
  @Performs('audit.export')
  @ApiBearerAuth()
  @ApiOperation({ summary: "The tenant's trail with its chain and checkpoints, as NDJSON to be verified anywhere" })
  async export(@Req() request: ServiceRequest, @Res() reply: FastifyReply) {
    const tenant = tenantOfRequest(request);
    const bundle = request.method === 'HEAD' ? '' : await this.chains.export(tenant, actorOf(request));
    reply.headers({
      'content-type': 'application/x-ndjson',
      'content-disposition': `attachment; filename="audit-${tenant.slug}.ndjson"`,
      'cache-control': 'no-store',
    });
    return reply.send(bundle);
  }

  private told(steps: AsyncGenerator<number | ToldReport>, requestId: string): PassThrough {
    const stream = new PassThrough();
    const tell = async (): Promise<void> => {
      for await (const step of steps) {
        if (stream.destroyed) return;
        const line = typeof step === 'number' ? { verified: step } : step;
        if (!stream.write(`${JSON.stringify(line)}\n`)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
      }
      stream.end();
    };
    tell().catch((err: unknown) => {
      this.logger.warn({ err, requestId }, 'a verification was broken off');
      stream.destroy(err instanceof Error ? err : undefined);
    });
    return stream;
  }
}
