/** The encryption keys of a tenant as its administrators see and manage them, and what becomes of those who have none. */

import supertest from 'supertest';
import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { uuidV7 } from '../../src/platform/uuid.js';
import { type RunningService, startService } from '../../src/start.js';
import { type EncryptedTenant, encryptedTenant, PERSON } from '../harness/encrypted-tenant.js';
import { eventually } from '../harness/eventually.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

jest.setTimeout(120_000);

let around: Surroundings;
let test: TestService;
let scene: EncryptedTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  around = await createSurroundings();
  test = await startTestService({}, around);
  scene = await encryptedTenant(test);
  call = await scene.tenant.as();
});

afterAll(() => test.stop());

const admin = async (sql: string, values: readonly unknown[] = []) => (await test.database.admin(sql, values)).rows;

const MANAGED: [Method, string, object?][] = [
  ['post', '/keys/rotate', { purpose: 'provider' }],
  ['put', '/keys/provider', { provider: 'local' }],
];
const SHOWN: [Method, string, object?][] = [
  ['get', '/keys'],
  ['get', '/keys/jobs'],
  ['get', `/keys/jobs/${uuidV7()}`],
];

describe('the keys', () => {
  it.each(['viewer', 'editor', 'service'])('are not shown to the role %s, and not changed by it', async (role) => {
    const others = await scene.tenant.as(role);
    for (const [method, path, body] of [...SHOWN, ...MANAGED]) {
      expect([method, path, refusal(await others(method, path).send(body))]).toEqual([method, path, '403 auth/forbidden']);
    }
  });

  it('are shown to auditors, who change nothing', async () => {
    const auditor = await scene.tenant.as('auditor');
    await auditor('get', '/keys').expect(200);
    await auditor('get', '/keys/jobs').expect(200);
    for (const [method, path, body] of MANAGED) {
      expect(refusal(await auditor(method, path).send(body))).toBe('403 auth/forbidden');
    }
  });

  it('are neither shown nor changed in another tenant, nor without a token; an API key of an admin may look, and no more', async () => {
    const stranger = await test.token(['admin'], (await test.tenant()).id);
    const { key } = (await call('post', '/api-keys').send({ name: 'leaked', roles: ['admin'] })).body;
    for (const [method, path, body] of [...SHOWN, ...MANAGED]) {
      const at = `/api/v1/tenants/${scene.tenant.id}${path}`;
      expect(refusal(await test.request(stranger, method, at).send(body))).toBe('403 auth/tenant-mismatch');
      expect(refusal(await test.request(null, method, at).send(body))).toBe('401 auth/missing-credentials');
    }
    const byKey = (method: Method, path: string, body?: object) =>
      test.request(null, method, `/api/v1/tenants/${scene.tenant.id}${path}`).set('x-api-key', key).send(body);
    for (const [method, path, body] of MANAGED) expect(refusal(await byKey(method, path, body))).toBe('403 auth/forbidden');
    await byKey('get', '/keys').expect(200);
  });

  it('are shown without a byte of a key, wrapped or not', async () => {
    const { text, body } = await call('get', '/keys').expect(200);
    const { wrapped } = (
      await admin("select encode(wrapped, 'hex') as wrapped from business_store_service.data_keys limit 1")
    )[0];
    expect(text).not.toContain(wrapped);
    expect(text).not.toContain(Buffer.from(wrapped, 'hex').toString('base64'));
    const commitment = expect.stringMatching(/^[0-9a-f]{64}$/);
    const common = {
      version: 1,
      state: 'current',
      commitment,
      createdAt: expect.any(String),
      retiredAt: null,
      destroyedAt: null,
    };
    expect(body).toEqual({
      ...{ state: 'active', provider: 'local', keyRef: `local:${scene.tenant.id}`, epoch: 1 },
      ...{ createdAt: expect.any(String), destroyedAt: null, job: null, receipt: null, providers: ['local'] },
      dataKeys: [
        { purpose: 'encrypt', ...common },
        { purpose: 'index', ...common },
      ],
    });
    expect((await call('get', '/keys/jobs').expect(200)).body).toEqual({ items: [], next: null });
  });

  it('of a tenant that has encrypted nothing are none', async () => {
    const none = await (await test.tenant()).as();
    expect((await none('get', '/keys')).body).toMatchObject({ state: 'none', provider: null, dataKeys: [], job: null });
    for (const [method, path, body] of MANAGED) expect(refusal(await none(method, path).send(body))).toBe('409 key/none');
  });

  it.each<[string, Method, string, object, string]>([
    ['a purpose that is none', 'post', '/keys/rotate', { purpose: 'cursor' }, '/purpose'],
    ['no purpose', 'post', '/keys/rotate', {}, '/purpose'],
    ['a provider that is none', 'put', '/keys/provider', { provider: 'drawer' }, '/provider'],
    ['a provider that is not configured', 'put', '/keys/provider', { provider: 'vault' }, '/provider configured'],
    ['a key of another tenant', 'put', '/keys/provider', { provider: 'local', keyRef: `local:${uuidV7()}` }, '/keyRef keyRef'],
    ['a member that is none', 'post', '/keys/rotate', { purpose: 'index', key: 'AAAA' }, '/key'],
  ])('are not changed for %s', async (_name, method, path, body, fault) => {
    const answer = await call(method, path).send(body);
    expect([refusal(answer), faultsOf(answer).join()]).toEqual(['422 request/invalid', expect.stringContaining(fault)]);
  });

  it.each(['none', uuidV7()])('have no work under the id %s', async (id) => {
    expect(refusal(await call('get', `/keys/jobs/${id}`))).toBe('404 key/job-not-found');
  });

  it('get a new version when they are rotated, with a place to look how far it is', async () => {
    const begun = await call('post', '/keys/rotate').send({ purpose: 'encrypt' });
    expect([begun.status, begun.body]).toMatchObject([202, { kind: 'rotate', purpose: 'encrypt', by: 'admin@test' }]);
    const { location } = begun.headers;
    expect(location).toBe(`/api/v1/tenants/${scene.tenant.id}/keys/jobs/${begun.body.id}`);
    await eventually(async () => (await call('get', `/keys/jobs/${begun.body.id}`)).body.status === 'done');
    const { body } = await call('get', '/keys');
    const encrypt = body.dataKeys.filter(({ purpose }: { purpose: string }) => purpose === 'encrypt');
    expect(encrypt).toMatchObject([
      { version: 1, state: 'retired' },
      { version: 2, state: 'current' },
    ]);
    expect((await call('get', `/records/person/${scene.ada}`)).body.ssn).toBe('123-45-6789');
  });

  it('are counted at their provider', async () => {
    const metrics = (await test.request(null, 'get', '/metrics')).text;
    expect(metrics).toMatch(/bss_key_requests_total\{provider="local",outcome="ok"\} [1-9]/);
    expect(metrics).toContain('bss_key_faults_total{provider="local",kind="denied"} 0');
    expect(metrics).toContain('bss_integrity_failures_total 0');
  });
});

describe('a first encrypted property', () => {
  let poor: RunningService;
  let away: RunningService;

  beforeAll(async () => {
    const { KEY_PROVIDER: _, KEYRING_FILE: __, ...nothing } = around.environment;
    poor = await startService(readSettings(nothing), createLogger('silent'));
    // A port on which nobody listens.
    const gone = { KEY_PROVIDER: 'vault', VAULT_ADDR: 'http://127.0.0.1:1', VAULT_TOKEN: 'token' };
    away = await startService(readSettings({ ...nothing, ...gone }), createLogger('silent'));
  });

  afterAll(async () => {
    await away.stop();
    await poor.stop();
  });

  const defineOn = async (service: RunningService, tenant: TestTenant, document: object) => {
    const token = await test.token(['admin'], tenant.id);
    return supertest(service.url)
      .put(`/api/v1/tenants/${tenant.id}/entities/person`)
      .set('authorization', `Bearer ${token}`)
      .send(document);
  };

  /** What of the tenant is there: entities, keys, tables. */
  const left = async ({ id, schemaName }: TestTenant) => [
    await admin('select name, version from business_store_service.tenant_schemas where tenant_id = $1', [id]),
    await admin('select tenant_id from business_store_service.tenant_keys where tenant_id = $1', [id]),
    await admin('select relname from pg_class where relnamespace = $1::regnamespace', [`"${schemaName}"`]),
  ];

  it.each([
    ['without a key provider', () => poor, '501 key/no-provider'],
    ['while the key provider is away', () => away, '503 key/unavailable'],
  ])('is refused %s, before anything is made', async (_name, service, refused) => {
    const tenant = await test.tenant();
    expect(refusal(await defineOn(service(), tenant, PERSON))).toBe(refused);
    expect(await left(tenant)).toEqual([[], [], []]);
    // What is not encrypted needs none.
    const plain = { type: 'object', properties: { name: { type: 'string' } } };
    expect((await defineOn(service(), tenant, plain)).status).toBe(201);
    const more = { ...plain, properties: { ...plain.properties, ssn: { type: 'string', encrypted: true } } };
    expect(refusal(await defineOn(service(), tenant, more))).toBe(refused);
    expect((await left(tenant)).slice(0, 2)).toEqual([[{ name: 'person', version: 1 }], []]);
  });

  it('makes the keys of the tenant, once, and says so in its trail', async () => {
    const tenant = await test.tenant();
    await tenant.define('person', PERSON);
    await tenant.define('patient', PERSON);
    const events = await admin("select actor, body from audit.events where tenant_id = $1 and action = 'keys.created'", [
      tenant.id,
    ]);
    expect(events).toEqual([{ actor: 'business-store', body: expect.stringContaining('"provider":"local"') }]);
  });
});
