/** Keys are one for all instances: whoever makes a tenant's first ones, and whenever an instance comes and goes. */

import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import { type KeyService, startKeyService } from '../harness/key-service.js';
import { apiOf, type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

jest.setTimeout(120_000);

const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    ssn: { type: 'string', encrypted: { searchable: 'equality' }, unique: true },
  },
};
const INSTANCES = 5;
const TENANTS = 20;

let keys: KeyService;
let around: Surroundings;
let test: TestService;
let instances: RunningService[];

beforeAll(async () => {
  keys = await startKeyService();
  around = await createSurroundings();
  around = { ...around, environment: { ...around.environment, ...keys.settings, DATABASE_POOL_SIZE: '2' } };
  test = await startTestService({}, around);
  instances = await Promise.all(Array.from({ length: INSTANCES - 1 }, () => startInstance()));
});

afterAll(async () => {
  await Promise.all((instances ?? []).map((service) => service.stop()));
  await test?.stop();
  await keys?.stop();
});

const startInstance = (): Promise<RunningService> => startService(readSettings(around.environment), createLogger('silent'));

async function on(service: RunningService, { id }: TestTenant) {
  const bearer = await test.token(['admin'], id);
  const { request } = apiOf(service.url, test.token);
  return (method: Method, path: string) => request(bearer, method, `/api/v1/tenants/${id}${path}`);
}

it('the first are made once, however many instances of however many tenants want them at once', async () => {
  const all = [test.service, ...instances];
  const tenants: TestTenant[] = [];
  for (let n = 0; n < TENANTS; n++) tenants.push(await test.tenant());
  const written = await Promise.all(
    tenants.map(async (tenant) => {
      await tenant.define('person', PERSON);
      return Promise.all(
        all.map(async (service, n) => {
          const call = await on(service, tenant);
          const { status } = await call('post', '/records/person').send({ name: `n${n}`, ssn: `${tenant.slug} ${n}` });
          const same = await call('post', '/records/person').send({ name: 'same', ssn: 'the same' });
          return [status, same.status];
        }),
      );
    }),
  );
  expect(new Set(written.flat().map(([own]) => own))).toEqual(new Set([201]));
  for (const each of written) expect(each.map(([, same]) => same).filter((status) => status === 201)).toHaveLength(1);
  const { rows } = await test.database.admin(
    `select count(*) as keys, count(distinct tenant_id) as tenants from business_store_service.data_keys`,
  );
  expect([Number(rows[0].keys), Number(rows[0].tenants)]).toEqual([2 * TENANTS, TENANTS]);
  for (const tenant of tenants) {
    const seen = await Promise.all(
      all.map(async (service) => (await (await on(service, tenant))('get', '/records/person?select=name,ssn&order=id')).body),
    );
    expect(new Set(seen.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(seen[0]).toHaveLength(INSTANCES + 1);
    const found = await (await on(all[3] as RunningService, tenant))(
      'get',
      `/records/person?select=name&ssn=eq.${tenant.slug} 1`,
    );
    expect(found.body).toEqual([{ name: 'n1' }]);
  }
});

it('what was encrypted before all instances were stopped is read, found and unique after', async () => {
  const tenant = await test.tenant();
  await tenant.define('person', PERSON);
  const first = await startInstance();
  await (await on(first, tenant))('post', '/records/person').send({ name: 'Ada', ssn: 'secret' }).expect(201);
  await first.stop();
  const second = await startInstance();
  try {
    const call = await on(second, tenant);
    expect((await call('get', '/records/person?ssn=eq.secret&select=name,ssn')).body).toEqual([{ name: 'Ada', ssn: 'secret' }]);
    expect((await call('post', '/records/person').send({ ssn: 'secret' })).status).toBe(409);
  } finally {
    await second.stop();
  }
});

it('an instance that never heard of a change of the keys writes and finds nothing under the old ones', async () => {
  const tenant = await test.tenant();
  await tenant.define('person', PERSON);
  const call = await tenant.as();
  await call('post', '/records/person').send({ name: 'Ada', ssn: 'secret' }).expect(201);
  await test.database.admin('update business_store_service.tenant_keys set epoch = epoch + 1 where tenant_id = $1', [tenant.id]);
  keys.asked();
  const [written, found] = [
    await call('post', '/records/person').send({ name: 'Bob', ssn: 'other' }),
    await call('get', '/records/person?ssn=eq.secret&select=name'),
  ];
  expect([written.status, found.body]).toEqual([201, [{ name: 'Ada' }]]);
  // It read what changed, for which nobody has to open a key again.
  expect(keys.asked()).toBe(0);
});
