import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { startDevelopmentAuthServer } from '../../src/access/development-auth-server.js';
import { type DevelopmentIssuer, openDevelopmentIssuer } from '../../src/access/development-issuer.js';
import type { Role } from '../../src/access/principal.js';
import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import { createTestDatabase, type TestDatabase } from './database.js';

/** The whole service, in this process, on a database of its own, reached over HTTP as any client reaches it. */

export interface TestService {
  readonly database: TestDatabase;
  readonly service: RunningService;
  readonly issuer: DevelopmentIssuer;
  token(roles: readonly Role[], tenantId?: string): Promise<string>;
  /** A new tenant and an admin's way into it. */
  tenant(slug?: string): Promise<TestTenant>;
  request(token: string | null, method: Method, path: string): supertest.Test;
  stop(): Promise<void>;
}

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export interface TestTenant {
  readonly id: string;
  readonly slug: string;
  readonly schemaName: string;
  /** A request below `/api/v1/tenants/{id}` as this role; default admin. */
  as(role?: Role): Promise<(method: Method, path: string) => supertest.Test>;
  define(entity: string, document: object): Promise<void>;
}

let tenants = 0;

export async function startTestService(overrides: Record<string, string> = {}): Promise<TestService> {
  const database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'business-store-test-issuer-'));
  const issuer = await openDevelopmentIssuer(folder);
  const auth = await startDevelopmentAuthServer(issuer);
  const settings = readSettings({
    NODE_ENV: 'test',
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: database.runtimeUrl,
    DATABASE_CONTROL_URL: database.controlUrl,
    DATABASE_POOL_SIZE: '4',
    CONTEXT_KEYS: `${database.contextKey.kid}:${database.contextKey.secret.toString('base64')}`,
    AUTH_ISSUER: issuer.issuer,
    AUTH_JWKS_URL: auth.jwksUrl,
    AUDIT_SINK: 'none',
    DRAIN_MS: '0',
    ...overrides,
  });
  const service = await startService(settings, createLogger(overrides.LOG_LEVEL ?? 'silent'));

  const token = (roles: readonly Role[], tenantId?: string) => issuer.sign({ subject: `${roles[0]}@test`, roles, tenantId });
  const request = (bearer: string | null, method: Method, path: string): supertest.Test => {
    const test = supertest(service.url)[method](path);
    return bearer === null ? test : test.set('authorization', `Bearer ${bearer}`);
  };
  const tenant = async (slug = `tenant-${++tenants}`): Promise<TestTenant> => {
    const created = await request(await token(['system_admin']), 'post', '/api/v1/tenants').send({ slug });
    if (created.status !== 201) throw new Error(`tenant: ${created.status} ${created.text}`);
    const { id, schemaName } = created.body as { id: string; schemaName: string };
    const as = async (role: Role = 'admin') => {
      const bearer = await token([role], id);
      return (method: Method, path: string) => request(bearer, method, `/api/v1/tenants/${id}${path}`);
    };
    const define = async (entity: string, document: object): Promise<void> => {
      const response = await (await as())('put', `/entities/${entity}`).send(document);
      if (response.status >= 300) throw new Error(`define ${entity}: ${response.status} ${response.text}`);
    };
    return { id, slug, schemaName, as, define };
  };
  const stop = async (): Promise<void> => {
    await service.stop();
    await auth.stop();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  };
  return { database, service, issuer, token, tenant, request, stop };
}
