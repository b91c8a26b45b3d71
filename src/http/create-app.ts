import { randomUUID } from 'node:crypto';
import type { DynamicModule } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, NestFactory, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../platform/log.js';
import type { Metrics } from '../platform/metrics.js';
import { Problem } from '../platform/problem.js';
import type { Settings } from '../platform/settings.js';
import { assertOperations } from './assert-operations.js';
import { installBodyParsing } from './body-parsing.js';
import { answerClientError } from './client-error.js';
import { nestLogger } from './nest-logger.js';
import { noSuchPath, sendProblem, toProblem } from './problem.filter.js';
import { RateLimits } from './rate-limits.js';
import type { ServiceRequest } from './request.js';
import { closeUnread } from './unread-answers.js';

const HEADERS_TIMEOUT_MS = 10_000;

/** Nest on Fastify with the corridor's habits: limits, request ids, strict bodies, one log line and one metric per request. */
export async function createApp(
  module: DynamicModule,
  { settings, logger, metrics }: { settings: Settings; logger: Logger; metrics: Metrics },
  isDraining: () => boolean,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: settings.BODY_LIMIT_BYTES,
    genReqId: requestId,
    // While draining, requests already on their way are answered; Fastify's own 503 would fail them.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    trustProxy: settings.TRUSTED_PROXIES ?? false,
    // Slow clients may not hold the server: not with their headers, not with their bodies, not with an answer they do not read.
    requestTimeout: settings.REQUEST_TIMEOUT_MS,
    connectionTimeout: settings.ANSWER_TIMEOUT_MS,
    // Node answers a missing Host by itself, with a bare 400: the hook below does it with a problem.
    http: {
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, settings.REQUEST_TIMEOUT_MS),
      // By itself Node looks every half minute, so that ten seconds could be forty.
      connectionsCheckingInterval: 1_000,
      requireHostHeader: false,
    },
    clientErrorHandler: answerClientError,
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(reply, request.id, toProblem(error)),
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: nestLogger(logger),
    abortOnError: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  installBodyParsing(fastify);
  // Hooks call back where nothing has to be waited for: the promises of six cost 10 µs of CPU a request.
  fastify.addHook('onRequest', (request: ServiceRequest, _reply, done) => {
    const { headers, raw } = request;
    if (headers.host === undefined && raw.httpVersion === '1.1') {
      throw new Problem('request/malformed', 'The Host header is missing (RFC 9112 §3.2).');
    }
    // A stranger's body is neither buffered nor read: 16 MB of JSON would keep everybody waiting for half a second.
    if (!mayHaveBody(request)) return done();
    if (request.is404) throw noSuchPath();
    app
      .get(RateLimits)
      .authenticate(request)
      .then((principal) => {
        request.principal = principal;
        done();
      }, done);
  });
  // Expectations other than 100-continue may be ignored (RFC 9110 §10.1.1); Node would refuse them without a word.
  fastify.server.on('checkExpectation', (request, response) => fastify.server.emit('request', request, response));
  fastify.server.on('timeout', closeUnread);
  fastify.addHook('onSend', (request: ServiceRequest, reply, _payload, done) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    if (request.rateLimitFields) reply.headers(request.rateLimitFields);
    if (isDraining()) reply.header('connection', 'close');
    done();
  });
  fastify.addHook('onResponse', (request: ServiceRequest, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const status = reply.statusCode;
    metrics.observeRequest(request.method, route, status, reply.elapsedTime / 1000);
    if (logger.isLevelEnabled('info')) {
      const ms = Math.round(reply.elapsedTime * 1000) / 1000;
      logger.info(
        { requestId: request.id, tenantId: request.principal?.tenantId, method: request.method, route, status, ms },
        'request',
      );
    }
    done();
  });
  assertOperations(app.get(DiscoveryService), new MetadataScanner(), app.get(Reflector));
  return app;
}

function mayHaveBody({ method, headers }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** A caller's request id is kept when it is safe to log and to sign, so that a trace can cross services. */
function requestId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[A-Za-z0-9._:-]{1,128}$/.test(given) ? given : randomUUID();
}
