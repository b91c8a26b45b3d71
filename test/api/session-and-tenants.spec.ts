import { startTestService, type TestService } from '../harness/service.js';

let test: TestService;
let system: string;

beforeAll(async () => {
  test = await startTestService();
  system = await test.token(['system_admin']);
});

afterAll(() => test.stop());

describe('tenants', () => {
  it('are refused without a token, with another role, and with a body that is not understood', async () => {
    const anonymous = await test.request(null, 'get', '/api/v1/tenants');
    expect([anonymous.status, anonymous.body.type]).toEqual([401, 'urn:bss:problem:auth/missing-credentials']);
    expect(anonymous.headers['www-authenticate']).toBe('Bearer');

    const { id } = await test.tenant();
    const admin = await test.request(await test.token(['admin'], id), 'post', '/api/v1/tenants').send({ slug: 'x' });
    expect([admin.status, admin.body.type]).toEqual([403, 'urn:bss:problem:auth/forbidden']);

    const body = await test.request(system, 'post', '/api/v1/tenants').send({ slug: 'Not A Slug', status: 'active' });
    expect(body.status).toBe(422);
    expect(body.headers['content-type']).toContain('application/problem+json');
    expect(body.body.errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual(['/slug', '/status']);
  });

  it('are not changed by null, which is no name and no status', async () => {
    const { id } = await test.tenant();
    for (const member of ['name', 'status']) {
      const refused = await test.request(system, 'patch', `/api/v1/tenants/${id}`).send({ [member]: null });
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, `/${member}`]);
    }
  });

  it('are created once: the same slug again is 409 with the id that exists', async () => {
    const first = await test.request(system, 'post', '/api/v1/tenants').send({ slug: 'acme', name: 'Acme Ltd' });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ slug: 'acme', name: 'Acme Ltd', status: 'active' });
    expect(first.body.schemaName).toMatch(/^t_[0-9a-f]{16}$/);
    const again = await test.request(system, 'post', '/api/v1/tenants').send({ slug: 'acme' });
    expect(again.status).toBe(409);
    expect(again.body).toMatchObject({ type: 'urn:bss:problem:tenant/exists', tenantId: first.body.id });
  });

  it('are listed in keyset pages that miss none and repeat none', async () => {
    for (let i = 0; i < 5; i++) await test.tenant();
    const seen: string[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const page = await test.request(system, 'get', `/api/v1/tenants?limit=2${after ? `&after=${after}` : ''}`);
      expect(page.status).toBe(200);
      seen.push(...page.body.items.map((item: { id: string }) => item.id));
      after = page.body.next;
    }
    const { rows } = await test.database.admin('select id from business_store_service.tenants order by id');
    expect(seen).toEqual(rows.map((row) => row.id));
  });

  it('are renamed, and an unknown one is 404', async () => {
    const { id } = await test.tenant();
    const renamed = await test.request(system, 'patch', `/api/v1/tenants/${id}`).send({ name: 'New name' });
    expect([renamed.status, renamed.body.name]).toEqual([200, 'New name']);
    for (const unknown of ['00000000-0000-7000-8000-000000000000', 'nonsense']) {
      const missing = await test.request(system, 'get', `/api/v1/tenants/${unknown}`);
      expect([missing.status, missing.body.type]).toEqual([404, 'urn:bss:problem:tenant/not-found']);
    }
  });

  it('that are suspended get 403 tenant/suspended on every route until they are resumed', async () => {
    const tenant = await test.tenant();
    const call = await tenant.as();
    expect((await call('get', '/entities')).status).toBe(200);
    await test.request(system, 'patch', `/api/v1/tenants/${tenant.id}`).send({ status: 'suspended' });
    for (const path of ['/entities', '/records/anything', '/audit', '/openapi.json']) {
      const refused = await call('get', path);
      expect([path, refused.status, refused.body.type]).toEqual([path, 403, 'urn:bss:problem:tenant/suspended']);
    }
    await test.request(system, 'patch', `/api/v1/tenants/${tenant.id}`).send({ status: 'active' });
    expect((await call('get', '/entities')).status).toBe(200);
  });
});

describe('the session', () => {
  it('tells a tenant user who they are and what they may do', async () => {
    const tenant = await test.tenant('session-tenant');
    const { status, body } = await test.request(await test.token(['viewer'], tenant.id), 'get', '/api/v1/session');
    expect(status).toBe(200);
    expect(body).toEqual({
      subject: 'viewer@test',
      tenant: { id: tenant.id, slug: 'session-tenant', name: 'session-tenant', status: 'active' },
      roles: ['viewer'],
      rolesInForce: ['viewer'],
      permissions: ['session.read', 'entities.read', 'records.read', 'records.export'].concat(
        ...['history.read', 'deleted.read', 'roles.read', 'openapi.read'],
      ),
      claims: {},
      limits: { requestsPerSecond: 1000, burstSeconds: 5, requestsPerDay: null, rows: null },
    });
  });

  it('tells which of the claimed roles are in force, where they come from, and what row rules may ask', async () => {
    const tenant = await test.tenant();
    const clerk = { inherits: ['viewer'], permissions: ['records.create:note'] };
    const admin = await tenant.as();
    await tenant.define('note', { type: 'object', properties: {} });
    await admin('put', '/roles/clerk').send(clerk).expect(201);
    const roles = ['ghost', 'clerk'];
    const claims = { regions: ['north', 'south'], level: 3, nested: { a: 1 } };
    const token = await test.issuer.sign({ subject: 'ann', tenantId: tenant.id, roles, claims });
    const { body } = await test.request(token, 'get', '/api/v1/session').expect(200);
    expect(body).toMatchObject({
      ...{ subject: 'ann', roles: ['clerk', 'ghost'], rolesInForce: ['viewer', 'clerk'] },
      ownRoles: [{ name: 'clerk', description: '', ...clerk }],
      claims: { regions: ['north', 'south'], level: 3 },
    });
    expect(body.claims).not.toHaveProperty('nested');
    expect(body.permissions).toEqual(expect.arrayContaining(['records.read', 'records.create:note', 'roles.read']));
    expect(body.permissions).not.toContain('records.create');
    expect(body).not.toHaveProperty('fields');
    const many = { list: Array.from({ length: 300 }, (_, n) => `region ${n}`) };
    const crowded = await test.issuer.sign({ subject: 'ann', tenantId: tenant.id, roles, claims: many });
    expect((await test.request(crowded, 'get', '/api/v1/session').expect(200)).body.claims).toBeNull();
  });

  it('tells what is kept from the caller, of entities that it may do something with and no others', async () => {
    const tenant = await test.tenant();
    const admin = await tenant.as();
    const staff = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        mail: { type: 'string', pii: 'email', redact: 'partial' },
        pay: { type: 'number', access: { read: ['admin', 'payroll'], write: ['payroll'] } },
        grade: { type: 'integer', access: { write: ['admin'] } },
      },
    };
    for (const entity of ['staff', 'secret', 'open']) await tenant.define(entity, entity === 'open' ? { type: 'object' } : staff);
    await admin('put', '/roles/payroll')
      .send({ permissions: ['records.read:staff'] })
      .expect(201);
    const fieldsOf = async (role: string) => {
      const { body } = await test.request(await test.token([role], tenant.id), 'get', '/api/v1/session').expect(200);
      return [body.fields, body.redacts];
    };
    const viewer = { hidden: ['pay'], fixed: ['pay', 'grade'] };
    expect(await fieldsOf('viewer')).toEqual([{ staff: viewer, secret: viewer }, undefined]);
    expect(await fieldsOf('admin')).toEqual([{ staff: { fixed: ['pay'] }, secret: { fixed: ['pay'] } }, undefined]);
    expect(await fieldsOf('payroll')).toEqual([{ staff: { fixed: ['grade'] } }, undefined]);
    const auditor = { hidden: ['pay'], redacted: ['mail'], fixed: ['mail', 'pay', 'grade'] };
    expect(await fieldsOf('auditor')).toEqual([{ staff: auditor, secret: auditor }, true]);
    expect(await fieldsOf('ghost')).toEqual([undefined, undefined]);
  });

  it('tells what a tenant may send and store, where that is limited', async () => {
    const limits = { RATE_LIMIT_PER_SECOND: '50', RATE_LIMIT_BURST_SECONDS: '4', REQUESTS_PER_DAY: '1000', TENANT_ROWS: '5000' };
    const limited = await startTestService(limits);
    const tenant = await limited.tenant();
    const { body } = await limited.request(await limited.token(['viewer'], tenant.id), 'get', '/api/v1/session').expect(200);
    expect(body.limits).toEqual({ requestsPerSecond: 50, burstSeconds: 4, requestsPerDay: 1000, rows: 5000 });
    await limited.stop();
  });

  it('is told to whoever has a good token, though none of its roles counts', async () => {
    const tenant = await test.tenant();
    const { body } = await test.request(await test.token(['ghost'], tenant.id), 'get', '/api/v1/session').expect(200);
    expect(body).toMatchObject({ roles: ['ghost'], rolesInForce: [], permissions: ['session.read'] });
  });

  it('of a system admin has no tenant', async () => {
    const { body } = await test.request(system, 'get', '/api/v1/session');
    expect(body.tenant).toBeNull();
    expect(body.permissions).toContain('tenants.create');
    expect(body.permissions).not.toContain('records.read');
  });
});

describe('operations', () => {
  it('health, readiness and metrics answer without a token', async () => {
    expect((await test.request(null, 'get', '/healthz')).body).toEqual({ status: 'ok' });
    const ready = await test.request(null, 'get', '/readyz');
    expect([ready.status, ready.body]).toEqual([200, { status: 'ok', checks: { database: 'ok', auth: 'ok', process: 'ok' } }]);
    const metrics = await test.request(null, 'get', '/metrics');
    expect(metrics.text).toContain('http_server_request_duration_seconds');
    expect(metrics.text).toContain('database_pool_connections{state="idle"}');
  });

  it('an unknown path, a malformed path and a wrong method are problems, not pages', async () => {
    for (const [path, status] of [
      ['/nowhere', 404],
      ['/api/v1/tenants/%zz', 400],
    ] as const) {
      const { status: got, headers } = await test.request(system, 'get', path);
      expect([path, got]).toEqual([path, status]);
      expect(headers['content-type']).toContain('application/problem+json');
    }
  });
});

describe('a path that does not exist', () => {
  it("is 404 before the body is read: a stranger's JSON would keep everybody waiting", async () => {
    const sent = test.request(null, 'post', '/nothing').set('content-type', 'application/json').send('{"not json');
    const { status, body } = await sent;
    expect([status, body.type]).toEqual([404, 'urn:bss:problem:request/not-found']);
  });
});
