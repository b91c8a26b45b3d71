/** The database goes away and comes back: requests are told quickly, liveness stands, and nobody has to restart anything. */
import { type ChildService, startChildService } from '../harness/child-service.js';
import { eventually } from '../harness/eventually.js';
import { type DatabaseProxy, startProxy } from '../harness/proxy.js';
import { apiOf, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings } from '../harness/surroundings.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(60_000);

/** By way of the proxy; `other` is an instance that never loses the database. */
let child: ChildService;
let other: TestService;
let proxy: DatabaseProxy;
let tenant: TestTenant;
let token: string;

beforeAll(async () => {
  const around = await createSurroundings();
  proxy = await startProxy(around.database.runtimeUrl);
  other = await startTestService({}, around);
  child = await startChildService({
    ...around.environment,
    DATABASE_URL: proxy.through(around.database.runtimeUrl),
    DATABASE_CONTROL_URL: proxy.through(around.database.controlUrl),
    STATEMENT_TIMEOUT_MS: '4000',
  });
  tenant = await other.tenant();
  await tenant.define('note', { type: 'object', properties: { title: { type: 'string' } } });
  token = await other.token(['admin'], tenant.id);
});

afterAll(async () => {
  proxy.heal();
  const { code, stderr } = await child.stop();
  expect([code, stderr]).toEqual([0, '']);
  await proxy.close();
  await other.stop();
});

afterEach(async () => {
  proxy.heal();
  await other.database.admin(`alter database ${other.database.name} connection limit -1`);
  await recovery();
});

describe.each<[string, () => unknown]>([
  ['is gone', () => proxy.cut()],
  [
    'takes no more connections',
    async () => {
      await other.database.admin(`alter database ${other.database.name} connection limit 0`);
      // What the service holds is lost as well; the superuser may still connect.
      proxy.cut();
      proxy.heal();
    },
  ],
  ['does not answer any more', () => proxy.freeze()],
])('a database that %s', (_name, breakIt) => {
  it('is told to readiness with the reason, not to liveness; requests get 503 soon and say when to come back', async () => {
    // So that there are idle connections to lose, of both kinds.
    const system = await other.token(['system_admin']);
    expect((await timed('/api/v1/tenants', 'GET', system)).status).toBe(200);
    await breakIt();
    const ready = await timed('/readyz');
    expect([ready.status, ready.body]).toEqual([
      503,
      { status: 'unavailable', checks: { database: 'the database does not answer', auth: 'ok', process: 'ok' } },
    ]);
    // Sooner than whoever probes gives up.
    expect(ready.seconds).toBeLessThan(5);
    expect((await timed('/healthz')).status).toBe(200);
    // Reads, writes, the control plane, and a denial whose trail cannot be written.
    const requests = [
      ['GET', `/api/v1/tenants/${tenant.id}/records/note`],
      ['POST', `/api/v1/tenants/${tenant.id}/records/note`],
      ['PUT', `/api/v1/tenants/${tenant.id}/entities/note`],
      ['GET', '/api/v1/tenants'],
    ] as const;
    const answers = await Promise.all(requests.map(([method, path]) => timed(path, method, path.endsWith('s') ? system : token)));
    for (const { status, body, retryAfter } of answers) {
      expect([503, 403]).toContain(status);
      if (status === 503) {
        expect(body.type).toMatch(/^urn:bss:problem:database\/(unavailable|timeout)$/);
        if (body.type.endsWith('unavailable')) expect(retryAfter).toBe('2');
      }
    }
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    const denied = await timed('/api/v1/tenants', 'GET', token);
    expect([denied.status, denied.body.type]).toEqual([403, 'urn:bss:problem:auth/forbidden']);
    for (const { seconds } of [ready, denied, ...answers]) expect(seconds).toBeLessThan(8);
    expect((await timed('/metrics')).status).toBe(200);
  });
});

describe('a database that comes back', () => {
  it('is used again without a restart, and what others changed meanwhile is known', async () => {
    const { request } = apiOf(child.url, other.token);
    const list = () => request(token, 'get', `/api/v1/tenants/${tenant.id}/records/note?select=title`);
    expect((await list()).status).toBe(200);
    proxy.cut();
    expect((await list()).status).toBe(503);
    expect((await (await tenant.as())('post', '/records/note').send({ title: 'meanwhile' })).status).toBe(201);
    await tenant.define('later', { type: 'object', properties: { title: { type: 'string' } } });
    proxy.heal();
    await recovery();
    expect((await list()).body).toContainEqual({ title: 'meanwhile' });
    await eventually(async () => {
      const { status } = await request(token, 'get', `/api/v1/tenants/${tenant.id}/records/later`);
      return status === 200;
    });
    await other
      .request(await other.token(['system_admin']), 'patch', `/api/v1/tenants/${tenant.id}`)
      .send({ status: 'suspended' });
    await eventually(async () => (await list()).body.type === 'urn:bss:problem:tenant/suspended');
    await other.request(await other.token(['system_admin']), 'patch', `/api/v1/tenants/${tenant.id}`).send({ status: 'active' });
    await eventually(async () => (await list()).status === 200);
  });
});

async function timed(path: string, method = 'GET', bearer?: string) {
  const started = performance.now();
  const body = method === 'GET' ? undefined : JSON.stringify({ type: 'object', properties: {}, title: 'x' });
  const headers = {
    ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
    ...(body ? { 'content-type': 'application/json' } : {}),
  };
  const response = await fetch(child.url + path, { method, headers, body });
  const text = await response.text();
  return {
    status: response.status,
    body: text.startsWith('{') ? JSON.parse(text) : text,
    retryAfter: response.headers.get('retry-after'),
    seconds: (performance.now() - started) / 1000,
  };
}

async function recovery(): Promise<void> {
  await eventually(async () => (await fetch(`${child.url}/readyz`)).status === 200);
}
