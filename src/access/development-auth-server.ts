/**
 * The HTTP face of the development Auth Service, on loopback: discovery and key set for everybody, opaque tokens and what they stand for
 * to its clients, and to one of them the keys of tenants. Started by the service in embedded mode, so that the rest of it finds what it
 * would find in production.
 */

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DevelopmentKeyService } from '../keys/providers/development-key-service.js';
import { isJsonObject, type JsonObject } from '../platform/json-value.js';
import type { DevelopmentIssuer } from './development-issuer.js';
import type { DevelopmentClient, DevelopmentTokens } from './development-tokens.js';

const LARGEST_BODY = 16_384;

export interface DevelopmentAuthServer {
  readonly metadataUrl: string;
  readonly jwksUrl: string;
  readonly tokenUrl: string;
  /** What `/keys/...` follows. */
  readonly keysUrl: string;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

/** RFC 6749 §5.2. */
const refusal = (error: string, description?: string): Answer => ({
  status: 400,
  body: { error, error_description: description },
});
const STRANGER: Answer = { status: 401, body: { error: 'invalid_client' }, headers: { 'www-authenticate': 'Basic' } };

/**
 * Listens on 127.0.0.1 at a port the system chooses.
 * @param tokens without, it gives out public keys only, never a token
 * @param keys without, there is no key interface
 */
export async function startDevelopmentAuthServer(
  issuer: Pick<DevelopmentIssuer, 'issuer' | 'jwks'>,
  tokens: DevelopmentTokens | null = null,
  keys: DevelopmentKeyService | null = null,
): Promise<DevelopmentAuthServer> {
  let origin = '';
  const metadata = () => ({
    issuer: issuer.issuer,
    jwks_uri: `${origin}/jwks`,
    ...(tokens && {
      token_endpoint: `${origin}/token`,
      introspection_endpoint: `${origin}/introspect`,
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
      introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
    }),
    response_types_supported: [],
    subject_types_supported: ['public'],
  });
  const documents = new Map<string, () => object>([
    ['/jwks', () => issuer.jwks()],
    ['/.well-known/openid-configuration', metadata],
    ['/.well-known/oauth-authorization-server', metadata],
  ]);

  const answerTo = async (request: IncomingMessage): Promise<Answer> => {
    const { url = '', method = '' } = request;
    const document = documents.get(url);
    if (document) {
      const isRead = method === 'GET' || method === 'HEAD';
      return isRead ? { status: 200, body: document() } : { status: 405, headers: { allow: 'GET, HEAD' } };
    }
    if (tokens && keys && url.startsWith('/keys/')) {
      if (!isClient(request, 'business-store', tokens)) return STRANGER;
      const body = await bodyOf(request);
      return body === null ? { status: 413 } : keys.answer(method, url, body);
    }
    if (!tokens || (url !== '/token' && url !== '/introspect')) return { status: 404 };
    if (method !== 'POST') return { status: 405, headers: { allow: 'POST' } };
    if (!isClient(request, url === '/token' ? 'bss' : 'business-store', tokens)) return STRANGER;
    const body = await bodyOf(request);
    if (body === null) return { status: 413 };
    const form = new URLSearchParams(body);
    return url === '/token' ? issued(tokens, form) : introspected(tokens, form);
  };
  const server = createServer((request, response) => {
    void answerTo(request)
      .catch(() => ({ status: 500 }) as Answer)
      .then(({ status, body, headers }) => {
        const type = body ? { 'content-type': 'application/json', 'cache-control': 'no-store' } : {};
        response.writeHead(status, { ...type, ...headers }).end(body && JSON.stringify(body));
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    metadataUrl: `${origin}/.well-known/openid-configuration`,
    jwksUrl: `${origin}/jwks`,
    tokenUrl: `${origin}/token`,
    keysUrl: origin,
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/** RFC 6749 §2.3.1; ids and secrets of ours have no character that would be encoded. */
function isClient({ headers }: IncomingMessage, client: DevelopmentClient, tokens: DevelopmentTokens): boolean {
  const [, credentials = ''] = /^basic +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  const text = Buffer.from(credentials, 'base64').toString();
  const colon = text.indexOf(':');
  return text.slice(0, Math.max(colon, 0)) === client && tokens.isSecretOf(client, text.slice(colon + 1));
}

/** null when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** RFC 6749 §4.4, with members of our own that say for whom. */
function issued(tokens: DevelopmentTokens, form: URLSearchParams): Answer {
  if (form.get('grant_type') !== 'client_credentials') return refusal('unsupported_grant_type');
  const seconds = Number(form.get('expires_in') ?? 3600);
  if (!Number.isInteger(seconds) || seconds < 1) return refusal('invalid_request', 'expires_in is not a number of seconds');
  const claims = objectOf(form.get('claims') ?? '{}');
  if (!claims) return refusal('invalid_request', 'claims is not a JSON object');
  try {
    const token = tokens.issue({
      subject: form.get('subject') ?? 'developer',
      tenantId: form.get('tenant_id') ?? undefined,
      roles: (form.get('roles') ?? '').split(' ').filter((role) => role !== ''),
      expiresInSeconds: seconds,
      claims,
    });
    return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: seconds } };
  } catch (error) {
    return refusal('invalid_request', (error as Error).message);
  }
}

function introspected(tokens: DevelopmentTokens, form: URLSearchParams): Answer {
  const token = form.get('token');
  return token === null ? refusal('invalid_request', 'token is missing') : { status: 200, body: tokens.introspect(token) };
}

function objectOf(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}
