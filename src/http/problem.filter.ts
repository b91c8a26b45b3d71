import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { databaseErrorOf, problemOf } from '../database/sqlstate.js';
import { LOGGER, type Logger, saidOf } from '../platform/log.js';
import { postgrestError } from '../platform/postgrest-error.js';
import { PROBLEM_JSON, Problem } from '../platform/problem.js';
import { REST_BASE } from './rest-base.js';

/** Turns whatever was thrown into one problem+json. What nobody foresaw is logged whole and answered as a plain 500. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const problem = toProblem(error);
    const { code } = problem;
    // Server faults with their cause; refusals only when somebody looks, and never their detail: it repeats what the client sent.
    if (problem.status >= 500) this.logger.error({ requestId: request.id, err: error, code }, 'a request failed');
    else this.logger.debug({ requestId: request.id, code, reason: reasonOf(error) }, 'a request was refused');
    sendProblem(http.getResponse<FastifyReply>(), request.id, problem);
  }
}

/** What we keep from the client: why a token was refused, or which error Postgres raised. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof Problem) return error.cause instanceof Error ? saidOf(error.cause) : undefined;
  return databaseErrorOf(error)?.code;
}

export function sendProblem(reply: FastifyReply, requestId: string, problem: Problem): void {
  reply.status(problem.status).headers(problem.headers).header('x-request-id', requestId);
  if (reply.request.raw.url?.startsWith(REST_BASE)) {
    reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(postgrestError(problem)));
    return;
  }
  const document = { ...problem.toJSON(), instance: `urn:bss:request:${requestId}` };
  reply.header('content-type', PROBLEM_JSON).send(JSON.stringify(document));
}

export function toProblem(error: unknown): Problem {
  return (
    problemOf(error) ??
    fromFramework(error) ??
    new Problem('service/internal', 'The fault was logged. Quote the request id when you report it.')
  );
}

export function noSuchPath(): Problem {
  return new Problem('request/not-found', 'There is no such path. GET /docs lists what there is.');
}

/** Nest's and Fastify's own refusals, in our catalog. */
function fromFramework(error: unknown): Problem | null {
  if (!(error instanceof Error)) return null;
  const code = 'code' in error ? String(error.code) : '';
  const status = error instanceof HttpException ? error.getStatus() : 'statusCode' in error ? Number(error.statusCode) : 0;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE' || status === 413) {
    return new Problem(
      'request/too-large',
      'The body is larger than this path takes. Send records in several requests, and a smaller document.',
    );
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || status === 415) {
    return new Problem('request/unsupported-media-type', 'Send application/json, not compressed.');
  }
  if (status === 404) return noSuchPath();
  if (status >= 400 && status < 500) return new Problem('request/malformed', 'The request could not be read.');
  return null;
}
