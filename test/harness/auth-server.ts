import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';
import { createTokenForge } from './token-forge.js';

/** An Auth Service that does as a test tells it: its keys change, its answers take long or stay away, and every question is counted. */
export interface AuthServer {
  /** Its address, and the `iss` of its tokens. */
  readonly issuer: string;
  readonly forge: ReturnType<typeof createTokenForge>;
  /** As settings: it is found by its metadata, and the service is its client. */
  readonly settings: Readonly<Record<string, string>>;
  /** Its key set from now on; at first that of the forge. */
  publish(...keys: readonly JWK[]): void;
  /** An opaque token, of which it says these claims, and `active`. */
  opaque(claims?: Record<string, unknown>): string;
  revoke(token: string): void;
  /** `slow` answers after 10 s, `down` breaks every connection, `broken` answers 500. */
  behave(how: Behaviour): void;
  /** How often it was asked for this since the last time; `null` for everything. */
  asked(path: '/metadata' | '/jwks' | '/introspect' | null): number;
  stop(): Promise<void>;
}

type Behaviour = 'well' | 'slow' | 'down' | 'broken';

const SLOW_MS = 10_000;
const CLIENT = { id: 'store', secret: 'a secret: 100%' };

export async function startAuthServer(): Promise<AuthServer> {
  const tokens = new Map<string, object>();
  let questions: string[] = [];
  let behaviour: Behaviour = 'well';
  let keys: readonly JWK[] | null = null;
  let forge: ReturnType<typeof createTokenForge> | null = null;
  let issuer = '';
  const metadata = () => ({ issuer, jwks_uri: `${issuer}/jwks`, introspection_endpoint: `${issuer}/introspect` });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url === '/.well-known/openid-configuration' ? '/metadata' : (request.url ?? '');
    questions.push(path);
    const body = await bodyOf(request);
    if (behaviour === 'down') return void request.socket.destroy();
    if (behaviour === 'broken') return void response.writeHead(500).end('{"active":true}');
    if (behaviour === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW_MS).unref());
    const said =
      path === '/metadata' ? metadata() : path === '/jwks' ? { keys: keys ?? forge?.jwks().keys } : introspected(request, body);
    response.writeHead(said ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(said ?? {}));
  };
  const introspected = ({ headers }: IncomingMessage, body: string): object | null => {
    const [id, secret] = Buffer.from(headers.authorization?.slice(6) ?? '', 'base64')
      .toString()
      .split(':')
      .map(decoded);
    if (id !== CLIENT.id || secret !== CLIENT.secret) return null;
    return tokens.get(new URLSearchParams(body).get('token') ?? '') ?? { active: false };
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const madeForge = createTokenForge(issuer);
  forge = madeForge;

  return {
    issuer,
    forge: madeForge,
    settings: { AUTH_ISSUER: issuer, AUTH_JWKS_URL: '', AUTH_CLIENT_ID: CLIENT.id, AUTH_CLIENT_SECRET: CLIENT.secret },
    publish: (...published) => {
      keys = published;
    },
    opaque: (claims = {}) => {
      const token = randomUUID();
      tokens.set(token, { ...madeForge.claims(claims), active: true, token_type: 'Bearer' });
      return token;
    },
    revoke: (token) => void tokens.delete(token),
    behave: (how) => {
      behaviour = how;
    },
    asked: (path) => {
      const count = questions.filter((question) => path === null || question === path).length;
      questions = path === null ? [] : questions.filter((question) => question !== path);
      return count;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

/** RFC 6749 §2.3.1. */
function decoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
