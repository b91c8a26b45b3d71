import type { FastifyInstance } from 'fastify';
import { MAX_DEPTH, MAX_DOCUMENT_DEPTH, readJson } from '../platform/json.js';
import { Problem } from '../platform/problem.js';

/** Entity documents are measured by `readEntity`, which names the place. */
const ENTITY_ROUTE = '/api/v1/tenants/:tenantId/entities/:entity';

/** Bodies are read by `readJson`, so that nothing is stored that would come back changed. Compressed bodies are refused. */
export function installBodyParsing(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer' },
    (request, body, done) => {
      try {
        done(null, readJson(body as Buffer, request.routeOptions.url === ENTITY_ROUTE ? MAX_DOCUMENT_DEPTH : MAX_DEPTH));
      } catch (error) {
        done(error as Error);
      }
    },
  );
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
