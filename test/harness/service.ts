import supertest from 'supertest';
import type { DevelopmentIssuer } from '../../src/access/development-issuer.js';
import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import type { TestDatabase } from './database.js';
import { createSurroundings, type Surroundings } from './surroundings.js';

/** The whole service, in this process, on a database of its own, reached over HTTP as any client reaches it. */

export interface TestService {
  readonly database: TestDatabase;
  readonly service: RunningService;
  readonly issuer: DevelopmentIssuer;
  readonly token: TokenSource;
  /** A new tenant and an admin's way into it. */
  tenant(slug?: string): Promise<TestTenant>;
  request(token: string | null, method: Method, path: string): supertest.Test;
  /** Another instance of the service on the same database; the caller stops it. */
  another(): Promise<RunningService>;
  stop(): Promise<void>;
}

type TokenSource = (roles: readonly string[], tenantId?: string) => Promise<string>;

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export interface TestTenant {
  readonly id: string;
  readonly slug: string;
  readonly schemaName: string;
  /** A request below `/api/v1/tenants/{id}` as this role; default admin. */
  as(role?: string): Promise<(method: Method, path: string) => supertest.Test>;
  define(entity: string, document: object): Promise<void>;
}

let tenants = 0;

export async function startTestService(
  overrides: Record<string, string> = {},
  surroundings: Surroundings | null = null,
): Promise<TestService> {
  const around = surroundings ?? (await createSurroundings());
  const settings = readSettings({ ...around.environment, ...overrides });
  const service = await startService(settings, createLogger(overrides.LOG_LEVEL ?? process.env.TEST_LOG ?? 'silent'));
  const another = () => startService(settings, createLogger('silent'));
  const stop = async (): Promise<void> => {
    await service.stop();
    await around.stop();
  };
  return { ...around, service, ...apiOf(service.url, around.token), another, stop };
}

/** A service at `url`, in this process or another, as a client sees it. */
export function apiOf(url: string, token: TokenSource): Pick<TestService, 'tenant' | 'request'> {
  const request = (bearer: string | null, method: Method, path: string): supertest.Test => {
    const test = supertest(url)[method](path);
    return bearer === null ? test : test.set('authorization', `Bearer ${bearer}`);
  };
  const tenant = async (slug = `tenant-${++tenants}`): Promise<TestTenant> => {
    const created = await request(await token(['system_admin']), 'post', '/api/v1/tenants').send({ slug });
    if (created.status !== 201) throw new Error(`tenant: ${created.status} ${created.text}`);
    const { id, schemaName } = created.body as { id: string; schemaName: string };
    const as = async (role = 'admin') => {
      const bearer = await token([role], id);
      return (method: Method, path: string) => request(bearer, method, `/api/v1/tenants/${id}${path}`);
    };
    const define = async (entity: string, document: object): Promise<void> => {
      const response = await (await as())('put', `/entities/${entity}`).send(document);
      if (response.status >= 300) throw new Error(`define ${entity}: ${response.status} ${response.text}`);
    };
    return { id, slug, schemaName, as, define };
  };
  return { tenant, request };
}
