/** Who may do what, on every route there is: the published table, held against the running service. */
import { Controller, Get, Type } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { OPERATIONS, type Operation, ruleOf } from '../../src/access/operations.js';
import { isGrantable } from '../../src/access/tenant-role.js';
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
import { type Caller, everyCaller, expected } from './callers.js';
import { FITTING, NOTE } from './fitting-requests.js';

jest.setTimeout(300_000);

const routes = watchRoutes();
let declared: DeclaredRoute[];
let test: TestService;
let own: TestTenant;
let foreign: TestTenant;
let callers: Caller[];
/** Records to lose. */
let spare: string[];

beforeAll(async () => {
  test = await startTestService();
  declared = await routes.declared();
  [own, foreign] = [await test.tenant(), await test.tenant()];
  for (const tenant of [own, foreign]) {
    await tenant.define('note', NOTE);
    await tenant.define('other', NOTE);
  }
  callers = await everyCaller(test, own);
  const titles = Array.from({ length: 200 }, (_, i) => ({ title: `spare ${i}` }));
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
    const lines = (Object.keys(OPERATIONS) as Operation[])
      .filter((operation) => ruleOf(operation).scope === 'tenant')
      .map((operation) => {
        const { ofEntity, notForKeys } = ruleOf(operation);
        const marks = [ofEntity && '1', !notForKeys && 'k', isGrantable(operation) && 'o'].filter(Boolean);
        return [operation, initials(operation).join(''), marks.join('')].join(' ').trim();
      });
    // viewer, editor, admin, a(u)ditor, service; of (1) entity, by (k)eys, by a tenant's (o)wn roles
    expect(lines).toEqual([
      'entities.read veaus 1ko',
      'entities.plan a k',
      'entities.define a k',
      'records.read veaus 1ko',
      'records.create eas 1ko',
      'records.update eas 1ko',
      'records.delete eas 1ko',
      'records.export veaus 1ko',
      'records.import eas 1ko',
      'history.read veaus 1ko',
      'history.purge a 1ko',
      'deleted.read veaus 1ko',
      'deleted.restore eas 1ko',
      'deleted.purge a 1ko',
      'access.read au ko',
      'audit.read au ko',
      'audit.verify au ko',
      'audit.export a k',
      'audit.erase a',
      'apiKeys.read a',
      'apiKeys.manage a',
      'keys.read au ko',
      'keys.manage a',
      'keys.destroy a',
      'roles.read veaus ko',
      'roles.manage a',
      'webhooks.read a',
      'webhooks.manage a',
      'openapi.read veaus ko',
    ]);
    const system = Object.values(OPERATIONS).filter(({ scope }) => scope === 'system');
    expect(system.every(({ roles }) => roles.join() === 'system_admin')).toBe(true);
    const unscoped = (scope: string) =>
      (Object.keys(OPERATIONS) as Operation[]).filter((operation) => ruleOf(operation).scope === scope);
    expect([unscoped('public'), unscoped('session')]).toEqual([['health.read', 'docs.read', 'audit.keys'], ['session.read']]);
  });

  it('holds for every caller, on every route, at home and abroad; each refusal of a role is in the right trail', async () => {
    const wrong: string[] = [];
    const refusals = new Map<string, number>();
    let calls = 0;
    for (const caller of callers) {
      const home = caller.home ?? own;
      for (const { method, path, operation } of requests()) {
        for (const place of path.includes(':tenantId') ? [home, foreign] : [home]) {
          const wanted = expected(caller, { operation, path, place });
          const got = await perform(caller, method, path, operation, place);
          if (got !== (method === 'HEAD' ? wanted.slice(0, 3) : wanted)) {
            wrong.push(`${caller.name} ${method} ${path} ${place === home ? 'own' : 'foreign'}: ${got}, not ${wanted}`);
          }
          const trail = `${caller.home?.id ?? PLATFORM_ID} ${caller.subject}`;
          if (/^403 auth\/(forbidden|grant-refused)$/.test(wanted)) refusals.set(trail, (refusals.get(trail) ?? 0) + 1);
          calls++;
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(calls).toBeGreaterThan(1_500);

    for (const trail of new Set(callers.map(({ home }) => home?.id ?? PLATFORM_ID))) {
      const told = [...refusals].filter(([where]) => where.startsWith(trail));
      expect(await denials(trail)).toEqual(Object.fromEntries(told.map(([where, count]) => [where.split(' ')[1], count])));
    }
    expect(await denials(foreign.id)).toEqual({});
  });
});

describe('a role that holds a single operation', () => {
  it('passes the routes of that operation, and no other of the tenant', async () => {
    const admin = await own.as();
    const ofTenant = requests().filter(({ method, operation }) => method !== 'HEAD' && ruleOf(operation).scope === 'tenant');
    const wrong: string[] = [];
    for (const held of (Object.keys(OPERATIONS) as Operation[]).filter(isGrantable)) {
      await admin('put', '/roles/single').send({ permissions: [held] });
      const headers = { authorization: `Bearer ${await test.token(['single'], own.id)}` };
      const caller: Caller = { name: 'single', subject: `${held}@test`, headers, home: own, permissions: [held] };
      for (const { method, path, operation } of ofTenant) {
        // By a key of the records PUT creates as well, and by filters PATCH and DELETE read: one operation alone is not enough.
        const isHeld = operation === held && !/^(PUT|PATCH|DELETE) .*:entity$/.test(`${method} ${path}`);
        const { query = '' } = FITTING[`${method} ${path}`] ?? {};
        // A body that no route takes: nothing is changed, and whoever is let in is told that it is wrong.
        const got = await ask(caller, method, path + query, own, 'none', '"nothing"');
        if ((got === '403 auth/forbidden') === isHeld) wrong.push(`${held}: ${method} ${path} ${got}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

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
  const mayBe = expected(caller, { operation, path, place }) === 'ok';
  const id = operation === 'records.delete' && mayBe ? spare.pop() : spare[1];
  const body = fitting.body ? JSON.stringify(fitting.body) : bodyOf(method, operation);
  const answer = await ask(caller, method, `${path}${fitting.query ?? ''}`, place, id as string, body);
  const usual = method === 'POST' ? '201' : method === 'DELETE' ? '204' : '200';
  const fine = fitting.answer ?? usual;
  return answer === (method === 'HEAD' ? fine.slice(0, 3) : fine) ? 'ok' : answer;
}

/** Status, and problem if there is one. */
async function ask(caller: Caller, method: string, path: string, place: TestTenant, id: string, body?: string): Promise<string> {
  const url = path
    .replace(':tenantId', place.id)
    .replace(':entity', 'note')
    .replace(':id', id)
    .replace(':version', '1')
    .replace(':role', 'viewer')
    .replace(/:\w+/g, 'none');
  const sends = body !== undefined && !/GET|HEAD/.test(method);
  const headers = { ...caller.headers, ...(sends ? { 'content-type': 'application/json' } : {}) };
  const response = await fetch(test.service.url + url, { method, headers, body: sends ? body : undefined });
  const text = await response.text();
  const type = response.status >= 400 && text !== '' ? problemName(JSON.parse(text)) : '';
  return `${response.status} ${type}`.trim();
}

/** By its own name, or by the code that PostgREST's clients know. */
function problemName({ type, code = '' }: { type?: string; code?: string }): string {
  const known: Record<string, string> = { PGRST302: 'auth/missing-credentials', '42501': 'auth/forbidden' };
  return type?.split(':').at(-1) ?? known[code] ?? code;
}

function bodyOf(method: string, operation: Operation): string | undefined {
  if (operation === 'tenants.create') return JSON.stringify({ slug: uuidV7() });
  if (operation === 'tenants.update') return JSON.stringify({ name: 'Renamed' });
  if (operation === 'entities.define') return JSON.stringify(NOTE);
  return /POST|PUT|PATCH/.test(method) ? JSON.stringify({ title: uuidV7() }) : undefined;
}

/** `access.denied` by actor, as the superuser sees the trail. */
async function denials(tenantId: string): Promise<Record<string, number>> {
  const { rows } = await test.database.admin(
    `select actor, count(*)::int from audit.events where tenant_id = $1 and action = 'access.denied' group by actor`,
    [tenantId],
  );
  return Object.fromEntries(rows.map(({ actor, count }) => [actor, count]));
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
