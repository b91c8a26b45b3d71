/** Packs: listed, installed when a tenant is made or later, all or nothing, and what a tenant adds is kept apart from them. */

import { SAMPLES } from '../../src/model/packs/shipped-packs.fixture.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

const SECURITY = ['Alert', 'Asset', 'Control', 'Evidence', 'Integration'];
const NOTE = { type: 'object', properties: { text: { type: 'string' } }, additionalProperties: false };

let test: TestService;
let system: (method: Method, path: string) => ReturnType<TestService['request']>;
let slugs = 0;

beforeAll(async () => {
  test = await startTestService();
  const token = await test.token(['system_admin']);
  system = (method, path) => test.request(token, method, `/api/v1${path}`);
});

afterAll(() => test.stop());

/** A tenant that has these packs from its first moment. */
async function tenantWith(packs: readonly string[]): Promise<{ id: string; call: Awaited<ReturnType<TestTenant['as']>> }> {
  const { body } = await system('post', '/tenants')
    .send({ slug: `packed-${++slugs}`, packs })
    .expect(201);
  return { id: body.id, call: caller(body.id, await test.token(['admin'], body.id)) };
}

function caller(id: string, token: string): Awaited<ReturnType<TestTenant['as']>> {
  return (method, path) => test.request(token, method, `/api/v1/tenants/${id}${path}`);
}

async function entitiesOf(call: Awaited<ReturnType<TestTenant['as']>>): Promise<string[]> {
  const { body } = await call('get', '/entities').expect(200);
  return body.items.map(({ name }: { name: string }) => name);
}

async function stored(tenantId: string, entity: string) {
  const { rows } = await test.database.admin(
    `select pack, pack_version, additions
     from business_store_service.tenant_schemas
     where tenant_id = $1
       and name = $2
       and dropped_at is null`,
    [tenantId, entity],
  );
  return rows[0];
}

describe('packs', () => {
  it('are for system administrators: the roles of a tenant may neither list nor install them', async () => {
    const tenant = await test.tenant();
    for (const role of ['admin', 'service'] as const) {
      const token = await test.token([role], tenant.id);
      const ask = (method: Method, path: string) => test.request(token, method, `/api/v1${path}`);
      expect(refusal(await ask('get', '/packs'))).toBe('403 auth/forbidden');
      expect(refusal(await ask('get', `/tenants/${tenant.id}/packs`))).toBe('403 auth/forbidden');
      expect(refusal(await ask('post', `/tenants/${tenant.id}/packs`).send({ pack: 'security' }))).toBe('403 auth/forbidden');
    }
  });

  it('are listed with their versions, and each version shows its documents', async () => {
    const { body } = await system('get', '/packs').expect(200);
    expect(body.items.map(({ name, versions }: { name: string; versions: string[] }) => [name, versions])).toEqual([
      ['commerce', ['1.0.0', '1.1.0']],
      ['security', ['1.0.0', '1.1.0']],
    ]);
    expect([...body.items[1].entities].sort()).toEqual(SECURITY);
    const { body: pack } = await system('get', '/packs/security/1.0.0').expect(200);
    expect(pack.entities[0]).toMatchObject({ name: 'Integration', document: { type: 'object' } });
  });

  it('that are not there are 404 that says what there is', async () => {
    const missing = await system('get', '/packs/nothing/1.0.0');
    expect([refusal(missing), missing.body.packs]).toEqual(['404 pack/not-found', ['commerce', 'security']]);
    const version = await system('get', '/packs/security/9.0.0');
    expect([refusal(version), version.body.versions]).toEqual(['404 pack/not-found', ['1.0.0', '1.1.0']]);
  });
});

describe('a new tenant with packs', () => {
  it('is refused, and is not made, when a pack or a version of it does not exist, or is named twice', async () => {
    const create = (packs: unknown) => system('post', '/tenants').send({ slug: 'not-made', packs });
    expect(refusal(await create(['nothing']))).toBe('404 pack/not-found');
    expect(refusal(await create(['security@7.0.0']))).toBe('404 pack/not-found');
    for (const packs of [['security', 'security@1.0.0'], ['security@1'], [''], 'security', [7]]) {
      const refused = await create(packs);
      expect([packs, refusal(refused), faultsOf(refused).map((fault) => fault.split(' ')[0])]).toEqual([
        packs,
        '422 request/invalid',
        expect.arrayContaining(['/packs']),
      ]);
    }
    const { rows } = await test.database.admin("select from business_store_service.tenants where slug = 'not-made'");
    expect(rows).toEqual([]);
  });

  it('has all of their entities when 201 is answered, in the newest version unless one is named', async () => {
    const { body } = await system('post', '/tenants')
      .send({ slug: 'both', packs: ['security', 'commerce@1.0.0'] })
      .expect(201);
    expect(body.packs).toEqual([
      { name: 'security', version: '1.1.0' },
      { name: 'commerce', version: '1.0.0' },
    ]);
    const call = caller(body.id, await test.token(['admin'], body.id));
    expect(await entitiesOf(call)).toHaveLength(11);
    const { body: asset } = await call('get', '/entities/Asset').expect(200);
    expect(asset).toMatchObject({ version: 1, pack: { name: 'security', version: '1.1.0' } });
    await call('post', '/records/Order').send(SAMPLES.Order!.valid).expect(201);
    const line = { orderNumber: 'nowhere', lineNumber: 1, sku: 'TEE', quantity: 1, unitPrice: '1.00' };
    expect(refusal(await call('post', '/records/OrderLine').send(line))).toBe('409 record/reference-missing');
    const { body: packs } = await system('get', `/tenants/${body.id}/packs`).expect(200);
    expect(packs.items).toMatchObject([
      { name: 'commerce', version: '1.0.0' },
      { name: 'security', version: '1.1.0' },
    ]);
    const { body: trail } = await call('get', '/audit?action=pack.installed').expect(200);
    expect(trail.items.map(({ after }: { after: { pack: string } }) => after.pack).sort()).toEqual(['commerce', 'security']);
  });

  it('whose slug is taken leaves nothing of the second attempt', async () => {
    await tenantWith(['security']);
    const again = await system('post', '/tenants').send({ slug: `packed-${slugs}`, packs: ['security'] });
    expect(refusal(again)).toBe('409 tenant/exists');
    const { rows } = await test.database.admin(`select count(*)::int from pg_namespace where nspname like 't\\_%'`);
    const tenants = await test.database.admin('select count(*)::int from business_store_service.tenants');
    expect(rows).toEqual(tenants.rows);
  });
});

describe('installing a pack', () => {
  it('is refused for a tenant that does not exist, a pack that does not, and a body that is not understood', async () => {
    const { id } = await test.tenant();
    const nobody = '00000000-0000-7000-8000-000000000000';
    expect(refusal(await system('post', `/tenants/${nobody}/packs`).send({ pack: 'security' }))).toBe('404 tenant/not-found');
    expect(refusal(await system('get', `/tenants/${nobody}/packs`))).toBe('404 tenant/not-found');
    expect(refusal(await system('post', `/tenants/${id}/packs`).send({ pack: 'constructor' }))).toBe('404 pack/not-found');
    const misread = await system('post', `/tenants/${id}/packs`).send({ pack: 7, version: 'newest', force: true });
    expect(refusal(misread)).toBe('422 request/invalid');
  });

  it('leaves nothing behind when a name is taken, and names it', async () => {
    const tenant = await test.tenant();
    await tenant.define('Evidence', NOTE);
    await tenant.define('Alert', NOTE);
    const refused = await system('post', `/tenants/${tenant.id}/packs`).send({ pack: 'security' });
    expect([refusal(refused), refused.body.entities]).toEqual(['409 pack/conflict', ['Alert', 'Evidence']]);
    expect(await entitiesOf(await tenant.as())).toEqual(['Alert', 'Evidence']);
    expect((await system('get', `/tenants/${tenant.id}/packs`)).body.items).toEqual([]);
    const { rows } = await test.database.admin(
      'select count(*)::int from pg_class where relnamespace = $1::regnamespace and relkind = $2',
      [tenant.schemaName, 'r'],
    );
    expect(rows[0].count).toBe(2);
    expect(await stored(tenant.id, 'Evidence')).toEqual({ pack: null, pack_version: null, additions: null });
  });

  it('makes all entities at once, beside the tenant’s own, and is in its trail', async () => {
    const tenant = await test.tenant();
    await tenant.define('note', NOTE);
    const { body } = await system('post', `/tenants/${tenant.id}/packs`).send({ pack: 'security', version: '1.0.0' }).expect(201);
    expect(body).toMatchObject({ name: 'security', version: '1.0.0' });
    const call = await tenant.as();
    expect(await entitiesOf(call)).toEqual([...SECURITY, 'note']);
    const { body: trail } = await call('get', '/audit?limit=10');
    const actions = trail.items.map(({ action }: { action: string }) => action);
    expect(actions.slice(0, 6)).toEqual(['pack.installed', ...Array(5).fill('entity.defined')]);
    expect(trail.items[0].actor).toBe('system_admin@test');
  });

  it('that is there is refused, in whatever version', async () => {
    const { id } = await tenantWith(['security@1.0.0']);
    for (const version of ['1.0.0', '1.1.0']) {
      const refused = await system('post', `/tenants/${id}/packs`).send({ pack: 'security', version });
      expect([refusal(refused), refused.body.version]).toEqual(['409 pack/conflict', '1.0.0']);
    }
  });

  it('twice at the same time succeeds once', async () => {
    const { id } = await test.tenant();
    const answers = await Promise.all([1, 2, 3].map(() => system('post', `/tenants/${id}/packs`).send({ pack: 'security' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    for (const answer of answers) if (answer.status !== 201) expect(refusal(answer)).toBe('409 pack/conflict');
  });
});

describe('an entity of a pack', () => {
  it('keeps what is the pack’s: a tenant that changes or leaves out any of it is told each place', async () => {
    const { id, call } = await tenantWith(['security@1.0.0']);
    const { document } = (await call('get', '/entities/Asset')).body;
    const { location: _, ...others } = document.properties;
    const touched = { ...document, title: 'Thing', properties: { ...others, kind: { type: 'string' } } };
    const refused = await call('put', '/entities/Asset').send(touched);
    expect(refusal(refused)).toBe('409 pack/owned');
    expect(refused.body).toMatchObject({ pack: 'security', version: '1.0.0' });
    expect(faultsOf(refused)).toEqual(
      expect.arrayContaining(['/title pack', '/properties/location pack', '/properties/kind/enum pack']),
    );
    expect((await call('get', '/entities/Asset')).body.version).toBe(1);
    expect((await stored(id, 'Asset')).additions).toEqual({});
  });

  it('takes what a tenant adds, and keeps it apart from the pack’s', async () => {
    const { id, call } = await tenantWith(['security@1.0.0']);
    const { document } = (await call('get', '/entities/Asset')).body;
    const room = { type: 'string', maxLength: 20, index: true };
    const wanted = {
      ...document,
      properties: { ...document.properties, room },
      indexes: [...(document.indexes ?? []), ['room', 'kind']],
    };
    const { body } = await call('put', '/entities/Asset').send(wanted).expect(200);
    expect(body).toMatchObject({ version: 2, pack: { name: 'security', version: '1.0.0' } });
    expect(await stored(id, 'Asset')).toEqual({
      pack: 'security',
      pack_version: '1.0.0',
      additions: { properties: { room }, indexes: [['room', 'kind']] },
    });
    const asset = { assetTag: 'A', name: 'a', kind: 'server', status: 'active', criticality: 'low', room: '101' };
    await call('post', '/records/Asset').send(asset).expect(201);
    // What was added can go again: it is the tenant's own.
    const without = await call('put', '/entities/Asset').send(document);
    expect([without.status, (await stored(id, 'Asset')).additions]).toEqual([
      409,
      { properties: { room }, indexes: [['room', 'kind']] },
    ]);
    expect(refusal(without)).not.toBe('409 pack/owned');
  });
});
