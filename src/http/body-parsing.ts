import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { MAX_DEPTH, MAX_DOCUMENT_DEPTH, readJson } from '../platform/json.js';
import { Problem } from '../platform/problem.js';
import { acceptPatch, JSON_PATCH, MERGE_PATCH, mediaTypeOfBody, RECORD_ROUTE } from './patch-media.js';
import type { ServiceRequest } from './request.js';

/** Entity documents are measured by `readEntity`, which names the place. */
const ENTITY_ROUTE = '/api/v1/tenants/:tenantId/entities/:entity';

/** Twice what a document may hold, for white space and escapes: reading it keeps everybody waiting for tens of milliseconds. */
const LARGEST_DOCUMENT_BYTES = 2_000_000;

/** Reads its body as it comes, record by record: of any size, in constant memory. */
const IMPORT_ROUTE = '/api/v1/tenants/:tenantId/imports/:entity';
const STREAMED_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'text/csv'];

/** Bodies are read by `readJson`, so that nothing is stored that would come back changed. Compressed bodies are refused. */
export function installBodyParsing(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', MERGE_PATCH, JSON_PATCH],
    { parseAs: 'buffer' },
    (request: ServiceRequest, body, done) => {
      // Clients that always send a Content-Type send it with nothing behind it, too.
      if (body.length === 0 && needsNoBody(request)) return done(null);
      const isPatch = mediaTypeOfBody(request.headers['content-type']) === JSON_PATCH;
      if (isPatch && !(request.method === 'PATCH' && request.routeOptions.url === RECORD_ROUTE)) {
        return done(new Problem('request/unsupported-media-type', `${JSON_PATCH} is for PATCH of one record, by its id.`));
      }
      try {
        // Repeats are the same byte by byte: a canonical form would cost several times the reading.
        if (request.headers['idempotency-key'] !== undefined) request.bodyHash = createHash('sha256').update(body).digest('hex');
        done(null, readJson(body as Buffer, request.routeOptions.url === ENTITY_ROUTE ? MAX_DOCUMENT_DEPTH : MAX_DEPTH));
      } catch (error) {
        done(error as Error);
      }
    },
  );
  fastify.addContentTypeParser(STREAMED_TYPES, (request: ServiceRequest, body, done) => {
    if (request.routeOptions.url === IMPORT_ROUTE) return done(null, body);
    done(
      new Problem(
        'request/unsupported-media-type',
        'Streams of records are taken by …/imports/{entity} alone: send application/json.',
      ),
    );
  });
  fastify.addHook('onRoute', (route) => {
    if (route.url === ENTITY_ROUTE && route.method === 'PUT') route.bodyLimit = LARGEST_DOCUMENT_BYTES;
  });
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    const accepted = reply.statusCode === 415 && request.method === 'PATCH' ? acceptPatch(request.routeOptions.url) : undefined;
    if (accepted !== undefined) reply.header('accept-patch', accepted);
    done();
  });
  // Before the body is read: a bomb is never inflated, an unknown encoding never buffered.
  fastify.addHook('onRequest', (request, _reply, done) => {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      throw new Problem(
        'request/unsupported-media-type',
        `Content-Encoding ${encoding.slice(0, 32)} is not supported: send the body uncompressed.`,
      );
    }
    done();
  });
}

/** What is said by the path alone, whatever else may be sent. */
const COMMAND = /\/(?:restore|rotate|abort|purge|pause|resume|retry|cancel)$/;

function needsNoBody({ method, routeOptions }: ServiceRequest): boolean {
  return method === 'DELETE' || (method === 'POST' && COMMAND.test(routeOptions.url ?? ''));
}
