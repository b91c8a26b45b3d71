/** The development Auth Service: its key file, its tokens, its key server. */

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { startDevelopmentAuthServer } from './development-auth-server.js';
import { type DevelopmentIssuer, openDevelopmentIssuer } from './development-issuer.js';
import { TokenVerifier } from './token-verifier.js';

const TENANT = '0190f3c0-7a1e-7c3b-8f00-000000000001';
let dataDir: string;

beforeEach(async () => {
  dataDir = join(await mkdtemp(join(tmpdir(), 'development-issuer-')), 'data');
});
afterEach(() => rm(join(dataDir, '..'), { recursive: true, force: true }));

/** Verifies as the service does: by issuer, audience and key address. */
async function verifierOf(issuer: DevelopmentIssuer, use: (verifier: TokenVerifier) => Promise<void>): Promise<void> {
  const server = await startDevelopmentAuthServer(issuer);
  try {
    await use(new TokenVerifier({ issuer: issuer.issuer, audience: issuer.audience, jwksUrl: server.jwksUrl }));
  } finally {
    await server.stop();
  }
}

describe('the development issuer', () => {
  it.each([
    ['damaged JSON', '{'],
    ['null', 'null'],
    ['no key', '{}'],
    [
      'a public key only',
      '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}',
    ],
  ])('refuses a key file with %s, and says what to do', async (_name, text) => {
    await openDevelopmentIssuer(dataDir);
    await writeFile(join(dataDir, 'development-issuer.json'), text);
    await expect(openDevelopmentIssuer(dataDir)).rejects.toThrow(/development-issuer\.json does not hold a key: delete it/);
  });

  it.each([
    ['a system admin of a tenant', { tenantId: TENANT, roles: ['system_admin'] as const }],
    ['an admin of no tenant', { roles: ['admin'] as const }],
  ])('refuses to sign for %s', async (_name, request) => {
    const issuer = await openDevelopmentIssuer(dataDir);
    await expect(issuer.sign({ subject: 'somebody', ...request })).rejects.toThrow('names no tenant');
  });

  it.each(['iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'jti', 'tenant_id', 'roles', 'active', 'cnf'])(
    'refuses to sign a claim %s of somebody else',
    async (name) => {
      const issuer = await openDevelopmentIssuer(dataDir);
      const request = { subject: 'somebody', tenantId: TENANT, roles: ['viewer'], claims: { [name]: 'x' } };
      await expect(issuer.sign(request)).rejects.toThrow(`The claim ${name} is not yours to set.`);
    },
  );

  it('signs other claims, and roles of the tenant’s own', async () => {
    const issuer = await openDevelopmentIssuer(dataDir);
    const claims = { region: 'north', teams: ['a', 'b'], level: 3 };
    await verifierOf(issuer, async (verifier) => {
      const token = await issuer.sign({ subject: 'somebody', tenantId: TENANT, roles: ['clerk', 'viewer'], claims });
      await expect(verifier.verify(token)).resolves.toEqual({
        ...{ subject: 'somebody', tenantId: TENANT, claims },
        roles: ['viewer', 'clerk'],
      });
    });
  });

  it('keeps its private key to its owner and leaves nothing else behind', async () => {
    await openDevelopmentIssuer(dataDir);
    expect(await readdir(dataDir)).toEqual(['development-issuer.json']);
    expect((await stat(join(dataDir, 'development-issuer.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  });

  it('publishes no private part', async () => {
    const issuer = await openDevelopmentIssuer(dataDir);
    const { d } = JSON.parse(await readFile(join(dataDir, 'development-issuer.json'), 'utf8')) as { d: string };
    expect(d).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify(issuer.jwks())).not.toContain(d);
  });

  it('has one key however many open it at once', async () => {
    const issuers = await Promise.all(Array.from({ length: 20 }, () => openDevelopmentIssuer(dataDir)));
    expect(new Set(issuers.map((issuer) => issuer.jwks().keys[0]!.kid)).size).toBe(1);
    expect(await readdir(dataDir)).toEqual(['development-issuer.json']);
  });

  it('has the same key after a restart, so that tokens live on', async () => {
    const token = await (await openDevelopmentIssuer(dataDir)).sign({ subject: 'somebody', tenantId: TENANT, roles: ['admin'] });
    await verifierOf(await openDevelopmentIssuer(dataDir), async (verifier) => {
      await expect(verifier.verify(token)).resolves.toEqual({
        subject: 'somebody',
        tenantId: TENANT,
        roles: ['admin'],
        claims: {},
      });
    });
  });

  it('signs for a system admin', async () => {
    const issuer = await openDevelopmentIssuer(dataDir);
    await verifierOf(issuer, async (verifier) => {
      const token = await issuer.sign({ subject: 'root', roles: ['system_admin'] });
      await expect(verifier.verify(token)).resolves.toEqual({
        subject: 'root',
        tenantId: null,
        roles: ['system_admin'],
        claims: {},
      });
    });
  });

  it('signs for an hour, or for as long as it is told', async () => {
    const issuer = await openDevelopmentIssuer(dataDir);
    const hour = decodeJwt(await issuer.sign({ subject: 's', tenantId: TENANT, roles: ['viewer'] }));
    const minute = decodeJwt(await issuer.sign({ subject: 's', tenantId: TENANT, roles: ['viewer'], expiresInSeconds: 60 }));
    expect([hour.exp! - hour.iat!, minute.exp! - minute.iat!]).toEqual([3600, 60]);
  });
});

describe('the key server of the development issuer', () => {
  it('serves two documents on loopback, and nothing else', async () => {
    const issuer = await openDevelopmentIssuer(dataDir);
    const server = await startDevelopmentAuthServer(issuer);
    const { origin } = new URL(server.jwksUrl);
    const status = async (path: string, method = 'GET') => (await fetch(`${origin}${path}`, { method })).status;
    expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(server.jwksUrl)).json()).toEqual(issuer.jwks());
    expect(await (await fetch(`${origin}/.well-known/openid-configuration`)).json()).toMatchObject({
      issuer: 'urn:bss:development',
      jwks_uri: server.jwksUrl,
    });
    expect([await status('/'), await status('/token'), await status('/constructor'), await status('/jwks', 'POST')]).toEqual([
      404, 404, 404, 405,
    ]);
    await server.stop();
    await expect(fetch(server.jwksUrl)).rejects.toThrow('fetch failed');
  });
});
