/** Who may do what, on every route there is: the published table, held against the running service. */
import { Controller, Get, Type } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { mayPerform, OPERATIONS, type Operation, ruleOf } from '../../src/access/operations.js';
import type { Role } from '../../src/access/principal.js';
import { PLATFORM_ID } from '../../src/database/control-plane.js';
import type { DeclaredRoute } from '../../src/http/assert-operations.js';
import { createApp } from '../../src/http/create-app.js';
import { Performs } from '../../src/http/operation.decorator.js';
import { createLogger } from '../../src/platform/log.js';
import { Metrics } from '../../src/platform/metrics.js';
import { readSettings } from '../../src/platform/settings.js';
import { uuidV7 } from '../../src/platform/uuid.js';
import { watchRoutes } from '../harness/routes.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { FITTING, NOTE } from './fitting-requests.js';

const ROLES = ['viewer', 'editor', 'admin', 'auditor', 'service', 'system_admin'] as const;
const CALLERS = ['anonymous', ...ROLES, 'staff'] as const;
type Caller = (typeof CALLERS)[number];

jest.setTimeout(120_000);

const routes = watchRoutes();
let declared: DeclaredRoute[];
let test: TestService;
let own: TestTenant;
let foreign: TestTenant;
const tokens = new Map<Caller, string | null>();
/** Records to lose. */
let spare: string[];

beforeAll(async () => {
  test = await startTestService();
  declared = await routes.declared();
  [own, foreign] = [await test.tenant(), await test.tenant()];
  await own.define('note', NOTE);
  await foreign.define('note', NOTE);
  for (const caller of CALLERS) tokens.set(caller, await tokenOf(caller));
  const titles = Array.from({ length: 60 }, (_, i) => ({ title: `spare ${i}` }));
  spare = (await (await own.as())('post', '/records/note').send(titles)).body.map(({ id }: { id: string }) => id);
});

afterAll(async () => {
  await test.stop();
  jest.restoreAllMocks();
});

describe('a route', () => {
  class Silent {
    get() {}
  }
  class Unheard {
    get() {}
  }
  class Declared {
    get() {}
  }

  it('that declares no operation, or one nobody published, does not boot', async () => {
    await expect(boot(route(Silent))).rejects.toThrow('routes without a declared operation: Silent.get');
    await expect(boot(route(Unheard, 'records.steal'))).rejects.toThrow('routes without a declared operation: Unheard.get');
    await expect(boot(route(Unheard, 'constructor'))).rejects.toThrow('routes without a declared operation: Unheard.get');
    await expect(boot(route(Declared, 'session.read'))).resolves.toBeUndefined();
  });

  it('exists in the server only as a controller declares it, but for the stylesheets of /docs', async () => {
    const served = routes.registered.filter(({ method }) => method !== 'HEAD').map(({ method, path }) => `${method} ${path}`);
    expect(served.sort()).toEqual([...declared.map(({ method, path }) => `${method} ${path}`), 'GET /docs/assets/*'].sort());
    for (const path of ['..%2fpackage.json', '%2e%2e/%2e%2e/package.json', '', 'package.json%00.css']) {
      expect((await fetch(`${test.service.url}/docs/assets/${path}`)).status).toBeGreaterThanOrEqual(400);
    }
  });

  it('performs each operation somewhere: nothing is published that is not there', () => {
    expect([...new Set(declared.map(({ operation }) => operation))].sort()).toEqual(Object.keys(OPERATIONS).sort());
  });
});

describe('the permission table', () => {
  it('is the published one', () => {
    const initials = (operation: Operation) => ruleOf(operation).roles.map((role) => (role === 'auditor' ? 'u' : role[0]));
    const lines = (Object.keys(OPERATIONS) as Operation[]).map((operation) =>
      [operation, ruleOf(operation).scope, initials(operation).join('')].join(' ').trim(),
    );
    // viewer, editor, admin, a(u)ditor, service
    expect(lines.filter((line) => line.includes(' tenant '))).toEqual([
      'entities.read tenant veaus',
      'entities.plan tenant a',
      'entities.define tenant a',
      'records.read tenant veaus',
      'records.create tenant eas',
      'records.update tenant eas',
      'records.delete tenant eas',
      'records.export tenant veaus',
      'records.import tenant eas',
      'history.read tenant veaus',
      'history.purge tenant a',
      'deleted.read tenant veaus',
      'deleted.restore tenant eas',
      'deleted.purge tenant a',
      'audit.read tenant au',
      'apiKeys.read tenant a',
      'apiKeys.manage tenant a',
      'openapi.read tenant veaus',
    ]);
    const system = Object.values(OPERATIONS).filter(({ scope }) => scope === 'system');
    expect(system.every(({ roles }) => roles.join() === 'system_admin')).toBe(true);
    const open = (Object.keys(OPERATIONS) as Operation[]).filter((operation) => ruleOf(operation).scope === 'public');
    expect(open).toEqual(['health.read', 'docs.read']);
  });

  it('holds for every caller, on every route, at home and abroad; each refusal of a role is in the right trail', async () => {
    const wrong: string[] = [];
    const refusals = new Map<string, number>();
    let calls = 0;
    for (const { method, path, operation } of requests()) {
      for (const caller of CALLERS) {
        for (const place of path.includes(':tenantId') ? [own, foreign] : [own]) {
          const wanted = expected(caller, operation, place);
          const got = await perform(caller, method, path, operation, place);
          if (got !== (method === 'HEAD' ? wanted.slice(0, 3) : wanted)) {
            wrong.push(`${caller} ${method} ${path} ${place === own ? 'own' : 'foreign'}: ${got}, not ${wanted}`);
          }
          if (wanted === '403 auth/forbidden') refusals.set(caller, (refusals.get(caller) ?? 0) + 1);
          calls++;
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(calls).toBeGreaterThan(300);

    const { system_admin: ofSystem, ...ofTenant } = Object.fromEntries(refusals);
    expect(await denials(own.id)).toEqual(named(ofTenant));
    expect(await denials(PLATFORM_ID)).toEqual(named({ system_admin: ofSystem }));
    expect(await denials(foreign.id)).toEqual({});
  });
});

describe('a denied request', () => {
  it('is told to the admin and the auditor of the tenant, with who, what and in which roles', async () => {
    const request = test.request(tokens.get('viewer') as string, 'delete', `/api/v1/tenants/${own.id}/records/note/${uuidV7()}`);
    expect((await request.set('x-request-id', 'denied-1')).status).toBe(403);
    for (const role of ['admin', 'auditor'] as const) {
      const { body } = await (await own.as(role))('get', '/audit?action=access.denied&limit=1');
      expect(body.items).toEqual([
        {
          id: expect.any(String),
          time: expect.any(String),
          actor: 'viewer@test',
          requestId: 'denied-1',
          action: 'access.denied',
          entity: null,
          recordId: null,
          detail: {
            operation: 'records.delete',
            method: 'DELETE',
            route: '/api/v1/tenants/:tenantId/records/:entity/:id',
            roles: ['viewer'],
          },
        },
      ]);
    }
  });

  it('of a tenant that does not exist is refused all the same', async () => {
    const nobody = uuidV7();
    const [viewer, admin] = await Promise.all([test.token(['viewer'], nobody), test.token(['admin'], nobody)]);
    const refused = await test.request(viewer, 'put', `/api/v1/tenants/${nobody}/entities/note`).send(NOTE);
    expect([refused.status, refused.body.type]).toEqual([403, 'urn:bss:problem:auth/forbidden']);
    const missing = await test.request(admin, 'put', `/api/v1/tenants/${nobody}/entities/note`).send(NOTE);
    expect([missing.status, missing.body.type]).toEqual([404, 'urn:bss:problem:tenant/not-found']);
  });
});

describe('a write that fails', () => {
  it('leaves no event of a change', async () => {
    const call = await own.as();
    await own.define('child', {
      type: 'object',
      properties: { note: { type: 'string', relation: { entity: 'note', field: 'title' } } },
      additionalProperties: false,
    });
    const { body: parent } = await call('post', '/records/note').send({ title: 'parent' });
    await call('post', '/records/child').send({ note: 'parent' });
    const before = await changes();

    const attempts: [number, Promise<{ status: number }>][] = [
      [422, call('post', '/records/note').send({ title: 1 })],
      [409, call('post', '/records/note').send({ title: 'parent' })],
      [409, call('post', '/records/note').send([{ title: 'first of many' }, { title: 'parent' }])],
      [409, call('post', '/records/child').send({ note: 'nowhere' })],
      [412, call('patch', `/records/note/${parent.id}`).set('if-match', '"99"').send({ title: 'late' })],
      [422, call('patch', `/records/note/${parent.id}`).send({ title: 2 })],
      [409, call('patch', `/records/note/${spare[0]}`).send({ title: 'parent' })],
      [412, call('delete', `/records/note/${parent.id}`).set('if-match', '"99"')],
      [409, call('delete', `/records/note/${parent.id}`)],
      [404, call('delete', `/records/note/${uuidV7()}`)],
      [422, call('put', '/entities/bad').send({ type: 'array' })],
      [409, call('put', '/entities/note').send({ ...NOTE, required: ['title'] })],
      [409, test.request(tokens.get('system_admin') as string, 'post', '/api/v1/tenants').send({ slug: own.slug })],
    ];
    for (const [status, attempt] of attempts) expect((await attempt).status).toBe(status);
    expect(await changes()).toBe(before);

    expect((await call('patch', `/records/note/${parent.id}`).send({ title: 'parent' })).status).toBe(200);
    expect(await changes()).toBe(before + 1);
  });
});

function expected(caller: Caller, operation: Operation, place: TestTenant): string {
  const { scope } = ruleOf(operation);
  const principal = {
    subject: caller,
    tenantId: own.id,
    roles: (ROLES as readonly string[]).includes(caller) ? [caller as Role] : [],
  };
  if (scope === 'public') return 'ok';
  if (caller === 'anonymous') return '401 auth/missing-credentials';
  if (scope === 'tenant' && caller !== 'system_admin' && place === foreign) return '403 auth/tenant-mismatch';
  return mayPerform(principal, operation) ? 'ok' : '403 auth/forbidden';
}

/** Every declared route, and the HEAD twin of each GET. */
function requests(): { method: string; path: string; operation: Operation }[] {
  return declared.flatMap(({ method, path, operation }) => {
    const one = { method, path, operation: operation as Operation };
    return method === 'GET' ? [one, { ...one, method: 'HEAD' }] : [one];
  });
}

/** Sends a request that a permitted caller gets past the guard with; `ok`, or status and problem. */
async function perform(caller: Caller, method: string, path: string, operation: Operation, place: TestTenant): Promise<string> {
  const fitting = FITTING[`${method.replace('HEAD', 'GET')} ${path}`] ?? {};
  const id = operation === 'records.delete' && mayBe(caller, operation, place) ? spare.pop() : spare[1];
  const url = `${path
    .replace(':tenantId', place.id)
    .replace(':entity', 'note')
    .replace(':id', id as string)
    .replace(':version', '1')
    .replace(/:\w+/g, 'none')}${fitting.query ?? ''}`;
  const body = fitting.body ? JSON.stringify(fitting.body) : bodyOf(method, operation);
  const token = tokens.get(caller);
  const headers = {
    ...(token ? { authorization: `Bearer ${token}` } : {}),
    ...(body ? { 'content-type': 'application/json' } : {}),
  };
  const response = await fetch(test.service.url + url, { method, headers, body });
  const text = await response.text();
  const usual = method === 'POST' ? '201' : method === 'DELETE' ? '204' : '200';
  const type = response.status >= 400 && text !== '' ? problemName(JSON.parse(text)) : '';
  const [answer, fine] = [`${response.status} ${type}`.trim(), fitting.answer ?? usual];
  return answer === (method === 'HEAD' ? fine.slice(0, 3) : fine) ? 'ok' : answer;
}

/** By its own name, or by the code that PostgREST's clients know. */
function problemName({ type, code = '' }: { type?: string; code?: string }): string {
  const known: Record<string, string> = { PGRST302: 'auth/missing-credentials', '42501': 'auth/forbidden' };
  return type?.split(':').at(-1) ?? known[code] ?? code;
}

function mayBe(caller: Caller, operation: Operation, place: TestTenant): boolean {
  return expected(caller, operation, place) === 'ok';
}

function bodyOf(method: string, operation: Operation): string | undefined {
  if (operation === 'tenants.create') return JSON.stringify({ slug: uuidV7() });
  if (operation === 'tenants.update') return JSON.stringify({ name: 'Renamed' });
  if (operation === 'entities.define') return JSON.stringify(NOTE);
  return /POST|PUT|PATCH/.test(method) ? JSON.stringify({ title: uuidV7() }) : undefined;
}

async function tokenOf(caller: Caller): Promise<string | null> {
  if (caller === 'anonymous') return null;
  return test.token([caller as Role], caller === 'system_admin' ? undefined : own.id);
}

/** `access.denied` by actor, as the superuser sees the trail. */
async function denials(tenantId: string): Promise<Record<string, number>> {
  const { rows } = await test.database.admin(
    `select actor, count(*)::int from audit.events where tenant_id = $1 and action = 'access.denied' group by actor`,
    [tenantId],
  );
  return Object.fromEntries(rows.map(({ actor, count }) => [actor, count]));
}

async function changes(): Promise<number> {
  const { rows } = await test.database.admin(`select count(*)::int from audit.events where action <> 'access.denied'`);
  return rows[0].count;
}

function named(counts: Record<string, number | undefined>): Record<string, number | undefined> {
  return Object.fromEntries(Object.entries(counts).map(([caller, count]) => [`${caller}@test`, count]));
}

/** `GET /probe` on the class, performing the operation if one is given. */
function route(controller: Type, operation?: string): Type {
  const handler = Object.getOwnPropertyDescriptor(controller.prototype, 'get') as PropertyDescriptor;
  Get()(controller.prototype, 'get', handler);
  if (operation) Performs(operation as Operation)(controller.prototype, 'get', handler);
  Controller('probe')(controller);
  return controller;
}

async function boot(controller: Type): Promise<void> {
  const surroundings = {
    settings: readSettings({}),
    logger: createLogger('silent'),
    metrics: new Metrics({ load: { total: 0, idle: 0, waiting: 0 } }),
  };
  const app = await createApp(
    { module: class Tiny {}, imports: [DiscoveryModule], controllers: [controller] },
    surroundings,
    () => false,
  );
  await app.close();
}
