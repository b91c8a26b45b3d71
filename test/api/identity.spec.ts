/** Who may come in, over HTTP: issuers, hostile tokens, and the tenant of a path. The full tables of refusals are in src/access. */
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Operation, ruleOf } from '../../src/access/operations.js';
import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { uuidV7 } from '../../src/platform/uuid.js';
import { type RunningService, startService } from '../../src/start.js';
import { type OpenIdProvider, startOpenIdProvider } from '../harness/openid-provider.js';
import { type DatabaseProxy, startProxy } from '../harness/proxy.js';
import { watchRoutes } from '../harness/routes.js';
import { apiOf } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';
import { createTokenForge, encode, publicJwk } from '../harness/token-forge.js';

const forge = createTokenForge();
const stranger = generateKeyPairSync('ed25519').privateKey;

let around: Surroundings;
let proxy: DatabaseProxy;
let provider: OpenIdProvider;
/** Serves the forge's keys at /jwks and counts whoever asks for anything else. */
let web: Server;
let webUrl: string;
let lured = 0;
/** By the issuer they trust. */
let development: RunningService;
let trustsProvider: RunningService;
let trustsForge: RunningService;
let tenantId: string;
const routes = watchRoutes();

beforeAll(async () => {
  [around, provider] = await Promise.all([createSurroundings(), startOpenIdProvider()]);
  proxy = await startProxy(around.database.runtimeUrl);
  web = createServer((request, response) => {
    if (request.url !== '/jwks') lured++;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(forge.jwks()));
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;

  const { DATABASE_URL, DATABASE_CONTROL_URL } = around.environment as Record<string, string>;
  development = await start({
    DATABASE_URL: proxy.through(DATABASE_URL as string),
    DATABASE_CONTROL_URL: proxy.through(DATABASE_CONTROL_URL as string),
  });
  trustsProvider = await start({ AUTH_ISSUER: provider.issuer, AUTH_JWKS_URL: provider.jwksUrl });
  trustsForge = await start({ AUTH_ISSUER: forge.issuer, AUTH_JWKS_URL: `${webUrl}/jwks` });
  tenantId = (await apiOf(development.url, around.token).tenant('identity')).id;
}, 30_000);

afterAll(async () => {
  for (const service of [development, trustsProvider, trustsForge]) await service?.stop();
  await provider.stop();
  await new Promise((resolve) => web.close(resolve));
  await proxy.close();
  await around.stop();
  jest.restoreAllMocks();
});

describe('a request without credentials', () => {
  it.each<[string, Record<string, string>, string]>([
    ['no header', {}, ''],
    ['Basic', { authorization: 'Basic dGVzdHM6dGVzdHM=' }, ''],
    ['an empty Bearer', { authorization: 'Bearer ' }, ''],
    ['a token in the query', {}, '?access_token=$'],
    ['a token in a cookie', { cookie: 'access_token=$; token=$' }, ''],
    ['a token under another scheme', { authorization: 'Token $' }, ''],
  ])('is asked for a Bearer token: %s', async (_name, headers, query) => {
    const token = await around.token(['admin'], tenantId);
    const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replaceAll('$', token)]));
    const response = await fetch(`${development.url}/api/v1/session${query.replace('$', token)}`, { headers: filled });
    expect(await problemIn(response)).toEqual([401, 'urn:bss:problem:auth/missing-credentials', 'Bearer']);
  });
});

describe('a hostile token', () => {
  const claims = (changes: Record<string, unknown> = {}) => forge.claims({ tenant_id: tenantId, roles: ['admin'], ...changes });
  const signed = (header: Record<string, unknown>) => forge.forge(forge.header(header), claims());
  const now = () => Math.floor(Date.now() / 1000);

  it.each<[string, () => string]>([
    ['alg none', () => `${encode({ alg: 'none' })}.${encode(claims())}.`],
    ['alg nOnE with a signature', () => signed({ alg: 'nOnE' })],
    [
      'HS256 keyed with our public key',
      () => keyedWithPublicKey(encode(forge.header({ alg: 'HS256', kid: 'RS256' })), encode(claims())),
    ],
    ['RS256 on an EdDSA signature', () => signed({ alg: 'RS256' })],
    [
      'an ES256 signature under the kid of another key',
      () => forge.forge(forge.header({ alg: 'ES256' }), claims(), forge.keys.ES256),
    ],
    ['somebody else’s key', () => forge.forge(forge.header(), claims(), stranger)],
    ['its own key embedded', () => forge.forge(forge.header({ jwk: publicJwk(stranger, 'EdDSA') }), claims(), stranger)],
    ['its own key set by jku', () => signed({ jku: `${webUrl}/lure`, kid: 'unheard-of' })],
    ['its own certificate by x5u', () => signed({ x5u: `${webUrl}/lure`, kid: 'unheard-of' })],
    ['a kid that walks', () => signed({ kid: '../../../../dev/null' })],
    ['a kid of SQL', () => signed({ kid: "' or 1=1 --" })],
    ['an extension that must be understood', () => signed({ crit: ['exp'], exp: 1 })],
    ['an unencoded payload', () => signed({ b64: false, crit: ['b64'] })],
    ['a token within', () => forge.forge(forge.header({ cty: 'JWT' }), forge.token())],
    ['an encrypted token', () => `${encode({ alg: 'dir', enc: 'A256GCM' })}..AAAA.AAAA.AAAA`],
    ['a claim twice', () => forge.forge(forge.header(), `{"tenant_id":"${uuidV7()}",${JSON.stringify(claims()).slice(1)}`)],
    ['trailing bytes', () => `${signed({})}.AAAA`],
    ['trailing words', () => `${signed({})} AAAA`],
    ['9 KB', () => forge.forge(forge.header(), claims({ padding: 'x'.repeat(7_000) }))],
    ['another issuer', () => forge.token(claims({ iss: 'https://elsewhere.test' }))],
    ['another audience', () => forge.token(claims({ aud: ['billing', 'crm'] }))],
    ['no audience', () => forge.token(claims({ aud: undefined }))],
    ['no expiry', () => forge.token(claims({ exp: undefined }))],
    ['no subject', () => forge.token(claims({ sub: undefined }))],
    ['no tenant', () => forge.token(claims({ tenant_id: undefined }))],
    ['a list of tenants', () => forge.token(claims({ tenant_id: [tenantId] }))],
    ['a tenant that is no id', () => forge.token(claims({ tenant_id: '*' }))],
    ['a system admin in a tenant', () => forge.token(claims({ roles: ['system_admin', 'admin'] }))],
    ['roles in one string', () => forge.token(claims({ roles: 'admin' }))],
    ['expired 10 minutes ago', () => forge.token(claims({ exp: now() - 600 }))],
    ['an expiry of text', () => forge.token(claims({ exp: `${now() + 600}` }))],
    ['not valid for 10 minutes', () => forge.token(claims({ nbf: now() + 600 }))],
    ['issued in 10 minutes', () => forge.token(claims({ iat: now() + 600 }))],
    ['a subject of two lines', () => forge.token(claims({ sub: 'admin\nroot' }))],
  ])('is refused with 401: %s', async (_name, token) => {
    const response = await ask(trustsForge, token());
    expect(await problemIn(response)).toEqual([401, 'urn:bss:problem:auth/invalid-token', 'Bearer error="invalid_token"']);
  });

  it('makes the service ask no address that it names', () => {
    expect(lured).toBe(0);
  });

  it.each<[string, Record<string, unknown>]>([
    ['expired 5 seconds ago', { exp: -5 }],
    ['valid in 5 seconds', { nbf: 5 }],
    ['issued in 5 seconds', { iat: 5 }],
    ['for several services', { aud: ['billing', 'business-store'] }],
  ])('is not what clocks and honest issuers make: %s', async (_name, changes) => {
    const moved = Object.entries(changes).map(([name, value]) => [name, typeof value === 'number' ? now() + value : value]);
    expect((await ask(trustsForge, forge.token(claims(Object.fromEntries(moved))))).status).toBe(200);
  });
});

describe('an issuer', () => {
  it('that is not ours opens nothing, whichever it is', async () => {
    const ours = await around.token(['admin'], tenantId);
    const theirs = await provider.token({ tenantId, roles: ['admin'] });
    for (const [service, token] of [
      [trustsProvider, ours],
      [development, theirs],
      [trustsForge, theirs],
    ] as const) {
      expect((await problemIn(await ask(service, token)))[1]).toBe('urn:bss:problem:auth/invalid-token');
    }
  });

  it('that never answered makes requests wait their turn: 503, readiness says why, liveness goes on', async () => {
    const service = await start({ AUTH_JWKS_URL: 'http://127.0.0.1:1/jwks' });
    try {
      const response = await ask(service, await around.token(['admin'], tenantId));
      expect([response.status, (await response.json()).type]).toEqual([503, 'urn:bss:problem:auth/issuer-unavailable']);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      const ready = await fetch(`${service.url}/readyz`);
      expect([ready.status, (await ready.json()).checks.auth]).toEqual([
        503,
        expect.stringContaining('no keys of the Auth Service'),
      ]);
      expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    } finally {
      await service.stop();
    }
  });

  it.each(['RS256', 'ES256', 'EdDSA'] as const)('of OpenID Connect opens the service with %s', async (algorithm) => {
    const token = await provider.token({ subject: 'Zoë', tenantId, roles: ['editor', 'staff'], algorithm });
    const session = await ask(trustsProvider, token);
    expect([session.status, await session.json()]).toEqual([
      200,
      expect.objectContaining({
        subject: 'Zoë',
        roles: ['editor', 'staff'],
        rolesInForce: ['editor'],
        tenant: expect.objectContaining({ id: tenantId }),
      }),
    ]);
    const { request } = apiOf(trustsProvider.url, around.token);
    expect((await request(token, 'get', `/api/v1/tenants/${tenantId}/entities`)).status).toBe(200);
    expect((await request(token, 'put', `/api/v1/tenants/${tenantId}/entities/x`).send({})).status).toBe(403);
  });

  it('of development opens the service, for its tenants and for its system', async () => {
    const { request } = apiOf(development.url, around.token);
    expect((await ask(development, await around.token(['viewer'], tenantId))).status).toBe(200);
    const tenants = await request(await around.token(['system_admin']), 'get', '/api/v1/tenants');
    expect(tenants.body.items.map(({ id }: { id: string }) => id)).toContain(tenantId);
  });

  it('may write the tenant in capitals: ids are the same in either case', async () => {
    const token = forge.token({ tenant_id: tenantId.toUpperCase(), roles: ['admin'] });
    const { request } = apiOf(trustsForge.url, around.token);
    expect((await request(token, 'get', `/api/v1/tenants/${tenantId}/entities`)).status).toBe(200);
    expect((await request(token, 'get', `/api/v1/tenants/${tenantId.toUpperCase()}/entities`)).status).toBe(200);
  });
});

describe('a path of another tenant', () => {
  it('is 403 on every route, and the database is not asked about anybody', async () => {
    // Fresh tenants, whom no cache knows: whoever looked them up, or anything about them, would have to ask.
    const { tenant } = apiOf(development.url, around.token);
    const [own, other] = [await tenant(), await tenant()];
    // A role that permits everything there, and nothing here.
    await (await other.as())('put', '/roles/porter')
      .send({ inherits: ['admin'] })
      .expect(201);
    const roles = ['admin', 'viewer', 'porter'];
    const [admin, viewer, porter] = await Promise.all(roles.map((role) => around.token([role], own.id)));
    const declared = (await routes.declared()).filter(
      ({ operation, path }) => path.includes(':tenantId') && ruleOf(operation as Operation).scope === 'tenant',
    );
    expect(declared.length).toBeGreaterThanOrEqual(25);
    await settled();

    // The service looks after changes and rollouts all the while, which names no tenant.
    const sent = proxy.record();
    const answers: unknown[] = [];
    for (const { method, path } of declared) {
      for (const place of [other.id, uuidV7(), 'nonsense', `${own.id}%00`, '..%2F..', `${own.id},${other.id}`]) {
        for (const token of [admin, viewer, porter]) {
          const url = path
            .replace(':tenantId', place)
            .replace(':entity', 'note')
            .replace(/:[a-zA-Z]+/, uuidV7());
          const body = /POST|PUT|PATCH/.test(method) ? '{"title":"taken"}' : undefined;
          const headers = { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) };
          const response = await fetch(development.url + url, { method, headers, body });
          answers.push([method, url, response.status, (await response.json()).type.split(':').at(-1)].join(' '));
        }
      }
    }
    expect(answers.filter((answer) => !/ 403 auth\/tenant-mismatch$/.test(answer as string))).toEqual([]);
    const asked = sent();
    expect([own.id, other.id, own.schemaName, other.schemaName, 'nonsense'].filter((about) => asked.includes(about))).toEqual([]);

    // It does hear: the same tokens at home.
    const atHome = proxy.record();
    const home = await fetch(`${development.url}/api/v1/tenants/${own.id}/entities`, {
      headers: { authorization: `Bearer ${viewer}` },
    });
    expect([home.status, atHome().includes(own.id)]).toEqual([200, true]);
  });
});

function keyedWithPublicKey(header: string, payload: string): string {
  const pem = createPublicKey(forge.keys.RS256).export({ type: 'spki', format: 'pem' });
  return `${header}.${payload}.${createHmac('sha256', pem).update(`${header}.${payload}`).digest('base64url')}`;
}

function start(settings: Record<string, string>): Promise<RunningService> {
  return startService(readSettings({ ...around.environment, ...settings }), createLogger('silent'));
}

function ask(service: RunningService, token: string): Promise<Response> {
  return fetch(`${service.url}/api/v1/session`, { headers: { authorization: `Bearer ${token}` } });
}

async function problemIn(response: Response): Promise<unknown[]> {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  return [response.status, (await response.json()).type, response.headers.get('www-authenticate')];
}

/** Until what the notifications of new tenants set off has gone to the database. */
async function settled(): Promise<void> {
  for (let last = -1; last !== proxy.bytesFromClients; ) {
    last = proxy.bytesFromClients;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}
