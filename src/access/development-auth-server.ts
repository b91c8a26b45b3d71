/**
 * The HTTP face of the development issuer: discovery and key set, on loopback. Started by the service in embedded mode,
 * so that the rest of it knows an issuer and a key address only, as in production.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DevelopmentIssuer } from './development-issuer.js';

export interface DevelopmentAuthServer {
  readonly jwksUrl: string;
  stop(): Promise<void>;
}

/** Listens on 127.0.0.1 at a port the system chooses. It gives out public keys only, never a token. */
export async function startDevelopmentAuthServer(
  issuer: Pick<DevelopmentIssuer, 'issuer' | 'jwks'>,
): Promise<DevelopmentAuthServer> {
  let origin = '';
  const documents: Record<string, () => object> = {
    '/jwks': () => issuer.jwks(),
    '/.well-known/openid-configuration': () => ({
      issuer: issuer.issuer,
      jwks_uri: `${origin}/jwks`,
      response_types_supported: [],
      subject_types_supported: ['public'],
    }),
  };
  const server = createServer((request, response) => {
    const document = Object.hasOwn(documents, request.url ?? '') ? documents[request.url!] : undefined;
    if (!document) {
      response.writeHead(404).end();
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
    } else {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document()));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    jwksUrl: `${origin}/jwks`,
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
