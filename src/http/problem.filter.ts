import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { problemOf } from '../database/sqlstate.js';
import { LOGGER, type Logger } from '../platform/log.js';
import { PROBLEM_JSON, Problem } from '../platform/problem.js';

/** Turns whatever was thrown into one problem+json. What nobody foresaw is logged whole and answered as a plain 500. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const problem = toProblem(error);
    // Server faults with their cause; refusals only when somebody looks.
    if (problem.status >= 500) this.logger.error({ requestId: request.id, err: error, code: problem.code }, problem.message);
    else
      this.logger.debug(
        { requestId: request.id, code: problem.code, cause: error instanceof Error ? error.cause : undefined },
        problem.message,
      );
    sendProblem(http.getResponse<FastifyReply>(), request.id, problem);
  }
}

export function sendProblem(reply: FastifyReply, requestId: string, problem: Problem): void {
  reply
    .status(problem.status)
    .headers(problem.headers)
    .header('content-type', PROBLEM_JSON)
    .header('x-request-id', requestId)
    .send(JSON.stringify({ ...problem.toJSON(), instance: `urn:bss:request:${requestId}` }));
}

export function toProblem(error: unknown): Problem {
  return (
    problemOf(error) ??
    fromFramework(error) ??
    new Problem('service/internal', 'The fault was logged. Quote the request id when you report it.')
  );
}

/** Nest's and Fastify's own refusals, in our catalog. */
function fromFramework(error: unknown): Problem | null {
  if (!(error instanceof Error)) return null;
  const code = 'code' in error ? String(error.code) : '';
  const status = error instanceof HttpException ? error.getStatus() : 'statusCode' in error ? Number(error.statusCode) : 0;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE' || status === 413) {
    return new Problem('request/too-large', 'Send fewer or smaller records, in several requests.');
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || status === 415) {
    return new Problem('request/unsupported-media-type', 'Send application/json, not compressed.');
  }
  if (status === 404) return new Problem('request/not-found', 'There is no such path. GET /docs lists what there is.');
  if (status === 405) return new Problem('request/method-not-allowed', 'The path does not support this method.');
  if (status >= 400 && status < 500) return new Problem('request/malformed', 'The request could not be read.');
  return null;
}
