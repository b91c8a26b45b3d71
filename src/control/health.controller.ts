import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Performs } from '../http/operation.decorator.js';
import { Metrics } from '../platform/metrics.js';
import { READINESS, type Readiness } from '../platform/readiness.js';

@ApiTags('operations')
@Controller()
export class HealthController {
  constructor(
    @Inject(READINESS) private readonly readiness: Readiness,
    private readonly metrics: Metrics,
  ) {}

  @Get('healthz')
  @Performs('health.read')
  @ApiOperation({ summary: 'Liveness: the process answers' })
  live() {
    return { status: 'ok' };
  }

  @Get('readyz')
  @Performs('health.read')
  @ApiOperation({ summary: 'Readiness: 200, or 503 with the reason of each check' })
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const checks = await this.readiness();
    const failed = checks.some((check) => check.reason !== null);
    reply.status(failed ? 503 : 200);
    return {
      status: failed ? 'unavailable' : 'ok',
      checks: Object.fromEntries(checks.map(({ name, reason }) => [name, reason ?? 'ok'])),
    };
  }

  @Get('metrics')
  @Performs('health.read')
  @ApiOperation({ summary: 'Prometheus metrics' })
  async scrape(@Res({ passthrough: true }) reply: FastifyReply) {
    reply.header('content-type', this.metrics.registry.contentType);
    return this.metrics.registry.metrics();
  }
}
