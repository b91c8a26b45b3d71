/** The endpoints of the development Auth Service that only its clients may use, and where the command line finds them. */

import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthServiceKeys } from '../keys/providers/auth-service-keys.js';
import { authServiceOf } from './auth-service.js';
import { type DevelopmentAuthServer, startDevelopmentAuthServer } from './development-auth-server.js';
import { requestOpaqueToken, startDevelopmentAuthService } from './development-auth-service.js';
import { openDevelopmentIssuer } from './development-issuer.js';
import { DevelopmentTokens } from './development-tokens.js';

const TENANT = '0190f3c0-7a1e-7c3b-8f00-000000000001';
const SECRETS = { bss: 'secret-of-bss', 'business-store': 'secret-of-the-service' };
const MINE = `bss:${SECRETS.bss}`;
const THE_SERVICE = `business-store:${SECRETS['business-store']}`;
const GRANT = { grant_type: 'client_credentials', tenant_id: TENANT, roles: 'viewer clerk' };

let folder: string;
let server: DevelopmentAuthServer;
let introspectionUrl: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'development-auth-server-'));
  server = await startDevelopmentAuthServer(await openDevelopmentIssuer(join(folder, 'issuer')), new DevelopmentTokens(SECRETS));
  introspectionUrl = (await (await fetch(server.metadataUrl)).json()).introspection_endpoint;
});

afterEach(() => jest.restoreAllMocks());

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function post(
  url: string,
  client: string | null,
  form: Record<string, string>,
): Promise<[number, Record<string, unknown>]> {
  const headers: Record<string, string> =
    client === null ? {} : { authorization: `Basic ${Buffer.from(client).toString('base64')}` };
  const response = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(form) });
  const text = await response.text();
  return [response.status, text === '' ? {} : JSON.parse(text)];
}

const issued = async (form: Record<string, string> = {}) =>
  (await post(server.tokenUrl, MINE, { ...GRANT, ...form }))[1].access_token as string;

describe('the development Auth Service', () => {
  it.each<[string, string | null]>([
    ['nobody', null],
    ['a stranger', 'stranger:secret-of-bss'],
    ['a client with another secret', 'bss:secret'],
    ['a client without a secret', 'bss:'],
    ['a secret without a client', ':secret-of-bss'],
    ['nothing', ''],
    ['the service itself', THE_SERVICE],
  ])('makes no token for %s', async (_name, client) => {
    expect(await post(server.tokenUrl, client, GRANT)).toEqual([401, { error: 'invalid_client' }]);
  });

  it.each<[string, string | null]>([
    ['nobody', null],
    ['whoever may have tokens made', MINE],
  ])('does not tell %s what a token stands for', async (_name, client) => {
    expect(await post(introspectionUrl, client, { token: await issued() })).toEqual([401, { error: 'invalid_client' }]);
  });

  it.each<[string, Record<string, string>, string]>([
    ['another grant', { grant_type: 'password' }, 'unsupported_grant_type'],
    ['a tenant for a system admin', { roles: 'system_admin' }, 'invalid_request'],
    ['no lifetime', { expires_in: '0' }, 'invalid_request'],
    ['claims that are none', { claims: '[]' }, 'invalid_request'],
    ['claims that are no JSON', { claims: '{' }, 'invalid_request'],
    ['a claim that is taken', { claims: '{"aud":"billing"}' }, 'invalid_request'],
  ])('makes no token with %s', async (_name, form, error) => {
    expect(await post(server.tokenUrl, MINE, { ...GRANT, ...form })).toEqual([400, expect.objectContaining({ error })]);
  });

  it('takes no long form, no other method, and no question without a token', async () => {
    expect((await post(server.tokenUrl, MINE, { ...GRANT, claims: 'x'.repeat(20_000) }))[0]).toBe(413);
    expect((await fetch(server.tokenUrl)).status).toBe(405);
    expect((await fetch(introspectionUrl)).status).toBe(405);
    expect(await post(introspectionUrl, THE_SERVICE, {})).toEqual([400, expect.objectContaining({ error: 'invalid_request' })]);
  });

  it('says of what it did not make, and of what has expired, that it is not active, and nothing else', async () => {
    const token = await issued({ expires_in: '10' });
    const now = Date.now();
    for (const other of ['', 'x', token.slice(1), `${token}x`]) {
      expect(await post(introspectionUrl, THE_SERVICE, { token: other })).toEqual([200, { active: false }]);
    }
    jest.spyOn(Date, 'now').mockReturnValue(now + 11_000);
    expect(await post(introspectionUrl, THE_SERVICE, { token })).toEqual([200, { active: false }]);
  });

  it('says what a token stands for', async () => {
    const token = await issued({ subject: 'zoe', claims: '{"region":"north"}' });
    expect(await post(introspectionUrl, THE_SERVICE, { token })).toEqual([
      200,
      {
        ...{ active: true, iss: 'urn:bss:development', aud: 'business-store', sub: 'zoe', tenant_id: TENANT },
        ...{ roles: ['viewer', 'clerk'], region: 'north', token_type: 'Bearer', client_id: 'bss' },
        ...{ exp: expect.any(Number), iat: expect.any(Number), jti: expect.any(String) },
      },
    ]);
  });
});

describe('the development Auth Service of a data directory', () => {
  const request = { subject: 'zoe', tenantId: TENANT, roles: ['viewer'] };

  it('is not found when none runs, whether it stopped or died', async () => {
    const dataDir = join(folder, 'stopped');
    await expect(requestOpaqueToken(dataDir, request)).rejects.toThrow(/^no service runs on /);
    const service = await startDevelopmentAuthService(dataDir);
    const address = await readFile(join(dataDir, 'development-auth-server.json'));
    await service.stop();
    await expect(requestOpaqueToken(dataDir, request)).rejects.toThrow(/^no service runs on /);
    await writeFile(join(dataDir, 'development-auth-server.json'), address);
    await expect(requestOpaqueToken(dataDir, request)).rejects.toThrow(/^no service runs on /);
  });

  it('is all that the service needs to know: it is found by its metadata, and asked as its client', async () => {
    const dataDir = join(folder, 'running');
    const service = await startDevelopmentAuthService(dataDir);
    try {
      for (const file of ['development-auth-server.json', 'development-clients.json']) {
        expect((await stat(join(dataDir, file))).mode & 0o777).toBe(0o600);
      }
      const { tokens, opaqueTokens } = authServiceOf(service.options('business-store'), () => {});
      const opaque = await requestOpaqueToken(dataDir, { ...request, claims: { region: 'north' } });
      const expected = { subject: 'zoe', tenantId: TENANT, roles: ['viewer'] };
      await expect(opaqueTokens.verify(opaque)).resolves.toEqual({ ...expected, claims: { region: 'north' } });
      const signed = await (await openDevelopmentIssuer(dataDir)).sign(request);
      await expect(tokens.verify(signed)).resolves.toEqual({ ...expected, claims: {} });
    } finally {
      await service.stop();
    }
  });

  it('keeps the keys of tenants in a file of the data directory, for the service and nobody else', async () => {
    const dataDir = join(folder, 'keys');
    const context = { tenantId: TENANT, purpose: 'encrypt', version: 1 } as const;
    const key = Buffer.alloc(32, 7);
    let wrapped: Buffer = Buffer.alloc(0);
    const first = await startDevelopmentAuthService(dataDir);
    const keys = new AuthServiceKeys(first.keys());
    try {
      const { bss } = JSON.parse(await readFile(join(dataDir, 'development-clients.json'), 'utf8'));
      for (const client of [null, `bss:${bss}`, `business-store:${bss}`, 'business-store:']) {
        const headers: Record<string, string> = client === null ? {} : { authorization: `Basic ${btoa(client)}` };
        const answer = await fetch(`${first.keys().url}/keys/${TENANT}`, { method: 'PUT', headers });
        expect([answer.status, await answer.json()]).toEqual([401, { error: 'invalid_client' }]);
      }
      wrapped = await keys.wrap(await keys.createKey(TENANT), context, key);
      expect((await stat(join(dataDir, 'development-keyring.jsonl'))).mode & 0o777).toBe(0o600);
    } finally {
      await keys.close();
      await first.stop();
    }
    const second = await startDevelopmentAuthService(dataDir);
    const again = new AuthServiceKeys(second.keys());
    try {
      await expect(again.unwrap(`local:${TENANT}`, context, wrapped)).resolves.toEqual(key);
    } finally {
      await again.close();
      await second.stop();
    }
  });

  it('has no key interface without a keyring', async () => {
    const authorization = `Basic ${Buffer.from(THE_SERVICE).toString('base64')}`;
    expect((await fetch(`${server.keysUrl}/keys/${TENANT}`, { method: 'PUT', headers: { authorization } })).status).toBe(404);
  });
});
