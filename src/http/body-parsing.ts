import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { MAX_DEPTH, MAX_DOCUMENT_DEPTH, readJson } from '../platform/json.js';
import { Problem } from '../platform/problem.js';
import type { ServiceRequest } from './request.js';

/** Entity documents are measured by `readEntity`, which names the place. */
const ENTITY_ROUTE = '/api/v1/tenants/:tenantId/entities/:entity';

/** Twice what a document may hold, for white space and escapes: reading it keeps everybody waiting for tens of milliseconds. */
const LARGEST_DOCUMENT_BYTES = 2_000_000;

/** Bodies are read by `readJson`, so that nothing is stored that would come back changed. Compressed bodies are refused. */
export function installBodyParsing(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer' },
    (request: ServiceRequest, body, done) => {
      // Clients that always send a Content-Type send it with an empty DELETE, too.
      if (body.length === 0 && request.method === 'DELETE') return done(null);
      try {
        // Repeats are the same byte by byte: a canonical form would cost several times the reading.
        if (request.headers['idempotency-key'] !== undefined) request.bodyHash = createHash('sha256').update(body).digest('hex');
        done(null, readJson(body as Buffer, request.routeOptions.url === ENTITY_ROUTE ? MAX_DOCUMENT_DEPTH : MAX_DEPTH));
      } catch (error) {
        done(error as Error);
      }
    },
  );
  fastify.addHook('onRoute', (route) => {
    if (route.url === ENTITY_ROUTE && route.method === 'PUT') route.bodyLimit = LARGEST_DOCUMENT_BYTES;
  });
  // Before the body is read: a bomb is never inflated, an unknown encoding never buffered.
  fastify.addHook('onRequest', async (request) => {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      throw new Problem(
        'request/unsupported-media-type',
        `Content-Encoding ${encoding.slice(0, 32)} is not supported: send the body uncompressed.`,
      );
    }
  });
}
