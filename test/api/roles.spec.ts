/** Roles that tenants make: what they cannot be, what they permit and no more, and how soon everybody knows. */

import supertest from 'supertest';
import { OPERATIONS } from '../../src/access/operations.js';
import { isGrantable } from '../../src/access/tenant-role.js';
import type { RunningService } from '../../src/start.js';
import { eventually } from '../harness/eventually.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

const NOTE = { type: 'object', properties: { title: { type: 'string' } }, additionalProperties: false };
const FORBIDDEN = '403 auth/forbidden';
/** Well before the minute after which an instance reads a tenant anew without being told. */
const UNTOLD_MS = 30_000;
const MISSING = '404 role/not-found';

type Call = (method: Method, path: string) => supertest.Test;

let test: TestService;
let second: RunningService;
let tenant: TestTenant;
let foreign: TestTenant;
let admin: Call;

beforeAll(async () => {
  test = await startTestService();
  second = await test.another();
  [tenant, foreign] = [await test.tenant(), await test.tenant()];
  for (const each of [tenant, foreign]) {
    await each.define('note', NOTE);
    await each.define('memo', NOTE);
  }
  admin = await tenant.as();
});

afterAll(async () => {
  await second.stop();
  await test.stop();
});

const put = (name: string, body: object = {}, call = admin) => call('put', `/roles/${name}`).send(body);

async function made(name: string, body: object, call = admin): Promise<void> {
  const { status, text } = await put(name, body, call);
  if (status !== 201) throw new Error(`${status} ${text}`);
}

/** At the other instance. */
async function there(role: string): Promise<Call> {
  const token = await test.token([role], tenant.id);
  return (method, path) =>
    supertest(second.url)[method](`/api/v1/tenants/${tenant.id}${path}`).set('authorization', `Bearer ${token}`);
}

async function permissionsOf(roles: readonly string[], of = tenant): Promise<string[]> {
  return (await test.request(await test.token(roles, of.id), 'get', '/api/v1/session').expect(200)).body.permissions;
}

const trail = async (action: string, call = admin) => (await call('get', `/audit?action=${action}&limit=5`)).body.items;

describe('a role of a tenant', () => {
  it.each(['viewer', 'admin', 'system_admin', 'anon', 'Clerk', '1st', '_x', 'x.y', 'x y', 'bss:service', 'a'.repeat(64), 'é'])(
    'is not called %s',
    async (name) => {
      const refused = await put(encodeURIComponent(name), { permissions: ['records.read'] });
      expect([refusal(refused), faultsOf(refused)]).toEqual(['422 request/invalid', ['/role name']]);
      for (const method of ['get', 'delete'] as const) {
        expect(refusal(await admin(method, `/roles/${encodeURIComponent(name)}`))).toBe(MISSING);
      }
    },
  );

  it.each([
    ['no role there is', { inherits: ['emperor'] }, ['/inherits isIn']],
    ['a role of the platform', { inherits: ['system_admin'] }, ['/inherits isIn']],
    ['a role of its own', { inherits: ['clerk'] }, ['/inherits isIn']],
    ['a role twice', { inherits: ['viewer', 'viewer'] }, ['/inherits arrayUnique']],
    ['no operation there is', { permissions: ['records.read', 'records.steal'] }, ['/permissions/1 permission']],
    ['what objects inherit', { permissions: ['constructor', '__proto__'] }, ['/permissions/0', '/permissions/1'].map(asFault)],
    ['everything', { permissions: ['*', 'records.*', ''] }, [0, 1, 2].map((n) => `/permissions/${n} permission`)],
    ['an entity that is not there', { permissions: ['records.read:Nothing'] }, ['/permissions/0 permission']],
    ['no entity after the colon', { permissions: ['records.read:'] }, ['/permissions/0 permission']],
    ['an entity in other letters', { permissions: ['records.read:Note'] }, ['/permissions/0 permission']],
    ['one entity of what reaches all', { permissions: ['audit.read:note'] }, ['/permissions/0 permission']],
    ['a permission twice', { permissions: ['records.read', 'records.read'] }, ['/permissions arrayUnique']],
    ['what is no list', { permissions: 'records.read' }, expect.arrayContaining(['/permissions isArray'])],
    ['more than 500', { permissions: Array.from({ length: 501 }, (_, n) => `x${n}`) }, ['/permissions arrayMaxSize']],
    ['a name beside that of the path', { name: 'other' }, ['/name whitelistValidation']],
    ['a description of two lines', { description: 'two\nlines' }, ['/description matches']],
  ])('is refused that has %s', async (_name, body, faults) => {
    const refused = await put('clerk', body);
    expect([refusal(refused), faultsOf(refused)]).toEqual(['422 request/invalid', faults]);
    expect(refusal(await admin('get', '/roles/clerk'))).toBe(MISSING);
  });

  it('never holds what decides who may do what, nor what is not of tenants', async () => {
    const rights = ['roles.manage', 'entities.define', 'apiKeys.read', 'apiKeys.manage', 'webhooks.read', 'webhooks.manage'];
    const others = ['tenants.read', 'tenants.create', 'rollouts.manage', 'session.read', 'health.read'];
    for (const permission of [...rights, ...others]) {
      expect([permission, faultsOf(await put('clerk', { permissions: [permission] }))]).toEqual([
        permission,
        ['/permissions/0 permission'],
      ]);
    }
  });

  it('is made by nobody but admins, not even by one who holds all that can be held, nor by any key', async () => {
    const permissions = Object.keys(OPERATIONS).filter(isGrantable);
    await made('steward', { inherits: ['editor', 'auditor', 'service'], permissions });
    const steward = await tenant.as('steward');
    expect(refusal(await put('minion', {}, steward))).toBe(FORBIDDEN);
    expect(refusal(await put('steward', { inherits: ['admin'] }, steward))).toBe(FORBIDDEN);
    expect(refusal(await steward('delete', '/roles/steward'))).toBe(FORBIDDEN);
    const { body: key } = await admin('post', '/api-keys')
      .send({ name: 'all', roles: ['admin', 'steward'] })
      .expect(201);
    const byKey = supertest(test.service.url).put(`/api/v1/tenants/${tenant.id}/roles/minion`).set('x-api-key', key.key).send({});
    expect(refusal(await byKey)).toBe(FORBIDDEN);
    expect((await steward('get', '/roles')).body.items.map(({ name }: { name: string }) => name)).toContain('steward');
  });

  it('of another tenant is none: the same name permits nothing at home, and nothing there', async () => {
    await made('porter', { inherits: ['admin'] }, await foreign.as());
    expect(await permissionsOf(['porter'])).toEqual(['session.read']);
    const [mine, token] = [await tenant.as('porter'), await test.token(['porter'], tenant.id)];
    expect(refusal(await mine('get', '/records/note'))).toBe(FORBIDDEN);
    const abroad = await test.request(token, 'get', `/api/v1/tenants/${foreign.id}/records/note`);
    expect(refusal(abroad)).toBe('403 auth/tenant-mismatch');
    for (const method of ['get', 'delete'] as const) expect(refusal(await admin(method, '/roles/porter'))).toBe(MISSING);
    expect((await admin('get', '/roles')).text).not.toContain('porter');
    expect(await permissionsOf(['porter'], foreign)).toContain('roles.manage');
  });

  it('that nobody has made is none, whatever a token says', async () => {
    expect(await permissionsOf(['ghost', 'root'])).toEqual(['session.read']);
    expect(refusal(await (await tenant.as('ghost'))('get', '/entities'))).toBe(FORBIDDEN);
  });

  it('is one of a hundred at most, also when many are made at once', async () => {
    const lone = await test.tenant();
    const call = await lone.as();
    await test.database.admin(
      `insert into business_store_service.tenant_roles (tenant_id, name) select $1, 'role-' || n from generate_series(1, 97) as n`,
      [lone.id],
    );
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => put(`new-${n}`, {}, call)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 409, 409, 409, 409, 409]);
    expect(refusal(await put('last', {}, call))).toBe('409 role/too-many');
    await put('role-1', { description: 'still here' }, call).expect(200);
    await call('delete', '/roles/role-2').expect(204);
    await put('last', {}, call).expect(201);
    expect((await call('get', '/roles')).body.items).toHaveLength(100);
  });
});

describe('what a role of a tenant permits', () => {
  it('is nothing when it holds nothing', async () => {
    await made('idle', {});
    expect(await permissionsOf(['idle'])).toEqual(['session.read']);
    const idle = await tenant.as('idle');
    for (const path of ['/entities', '/records/note', '/roles', '/openapi.json', '/audit']) {
      expect(refusal(await idle('get', path))).toBe(FORBIDDEN);
    }
  });

  it('is what it names, for the entity that it names, and no more', async () => {
    await made('clerk', { permissions: ['records.read', 'records.create:note'] });
    const clerk = await tenant.as('clerk');
    expect(refusal(await clerk('post', '/records/memo').send({ title: 'a' }))).toBe(FORBIDDEN);
    expect(refusal(await clerk('patch', '/records/note?title=eq.a').send({ title: 'b' }))).toBe(FORBIDDEN);
    expect(refusal(await clerk('get', '/exports/note'))).toBe(FORBIDDEN);
    expect(refusal(await clerk('post', '/imports/note'))).toBe(FORBIDDEN);
    expect(refusal(await clerk('get', '/roles'))).toBe(FORBIDDEN);
    await clerk('post', '/records/note').send({ title: 'a' }).expect(201);
    await clerk('get', '/records/memo').expect(200);
    expect(await permissionsOf(['clerk'])).toEqual(['session.read', 'records.read', 'records.create:note']);
  });

  it('adds up with what the other roles of the token permit, built-in or not', async () => {
    await made('typist', { permissions: ['records.create:note'] });
    await made('eraser', { inherits: ['viewer'], permissions: ['records.delete:note'] });
    expect(await permissionsOf(['typist', 'eraser'])).toEqual(
      expect.arrayContaining(['records.read', 'records.create:note', 'records.delete:note', 'roles.read']),
    );
    expect(await permissionsOf(['typist', 'editor'])).toContain('records.create');
  });

  it('is lost with it, here at once and elsewhere soon, by tokens and keys', async () => {
    await made('brief', { permissions: ['records.read'] });
    const [here, elsewhere] = [await tenant.as('brief'), await there('brief')];
    const { body: key } = await admin('post', '/api-keys')
      .send({ name: 'brief', roles: ['brief'] })
      .expect(201);
    const byKey = () => supertest(second.url).get(`/api/v1/tenants/${tenant.id}/records/note`).set('x-api-key', key.key);
    await here('get', '/records/note').expect(200);
    const started = performance.now();
    await eventually(async () => (await elsewhere('get', '/records/note')).status === 200);
    await eventually(async () => (await byKey()).status === 200);
    expect(performance.now() - started).toBeLessThan(UNTOLD_MS);

    await admin('delete', '/roles/brief').expect(204);
    const deleted = performance.now();
    expect(refusal(await here('get', '/records/note'))).toBe(FORBIDDEN);
    await eventually(async () => (await elsewhere('get', '/records/note')).status === 403);
    await eventually(async () => (await byKey()).status === 403);
    expect(performance.now() - deleted).toBeLessThan(UNTOLD_MS);
    expect(refusal(await admin('delete', '/roles/brief'))).toBe(MISSING);
  });

  it('is replaced as a whole, everywhere soon', async () => {
    await made('scribe', { inherits: ['editor'], description: 'writes', permissions: ['audit.read'] });
    const elsewhere = await there('scribe');
    await eventually(async () => (await elsewhere('get', '/audit')).status === 200);
    const replaced = await put('scribe', { permissions: ['records.read:note'] });
    expect([replaced.status, replaced.body]).toMatchObject([
      200,
      { name: 'scribe', description: '', inherits: [], permissions: ['records.read:note'] },
    ]);
    const started = performance.now();
    await eventually(async () => (await elsewhere('get', '/audit')).status === 403);
    expect(performance.now() - started).toBeLessThan(UNTOLD_MS);
    expect(await permissionsOf(['scribe'])).toEqual(['session.read', 'records.read:note']);
  });
});

describe('the trail', () => {
  it('has each change of a role once, with before and after, and none of what changed nothing', async () => {
    const lone = await test.tenant();
    const call = await lone.as();
    await put('teller', { inherits: ['viewer'] }, call).expect(201);
    const changedAt = async () =>
      (await test.database.admin('select changed_at from business_store_service.tenants where id = $1', [lone.id])).rows[0];
    const before = await changedAt();
    await put('teller', { inherits: ['viewer'], permissions: [] }, call).expect(200);
    expect(await changedAt()).toEqual(before);
    await put('teller', { inherits: ['viewer'], permissions: ['audit.read'] }, call).expect(200);
    await call('delete', '/roles/teller').expect(204);
    const of = (permissions: string[]) => ({ description: '', inherits: ['viewer'], permissions });
    expect((await trail('role.created', call)).map(body)).toEqual([{ role: 'teller', after: of([]) }]);
    expect((await trail('role.updated', call)).map(body)).toEqual([
      { role: 'teller', before: of([]), after: of(['audit.read']) },
    ]);
    expect((await trail('role.deleted', call)).map(body)).toEqual([{ role: 'teller', before: of(['audit.read']) }]);
    expect((await trail('role.created', call))[0]).toMatchObject({ actor: 'admin@test' });
  });

  it('has what was refused to somebody with such a role, and in which', async () => {
    await made('guest', {});
    await (await tenant.as('guest'))('get', '/records/note').set('x-request-id', 'guest-1').expect(403);
    expect((await trail('access.denied'))[0]).toMatchObject({
      actor: 'guest@test',
      requestId: 'guest-1',
      detail: { operation: 'records.read', roles: ['guest'] },
    });
  });
});

describe('a role that is looked at', () => {
  it('tells which documents name it and how many keys have it, revoked and expired ones aside', async () => {
    await made('teacher', { description: 'Of a school', permissions: ['records.read'] });
    const access = { read: ['teacher', 'admin'] };
    await tenant.define('pupil', { type: 'object', properties: { mark: { type: 'integer', access } } });
    await tenant.define('lesson', { type: 'object', properties: { title: { type: 'string', const: 'teacher' } } });
    const key = (more = {}) =>
      admin('post', '/api-keys')
        .send({ name: 'k', roles: ['viewer', 'teacher'], ...more })
        .expect(201);
    await key();
    await admin('delete', `/api-keys/${(await key()).body.id}`).expect(204);
    const { body: expiring } = await key();
    await test.database.admin('update business_store_service.api_keys set expires_at = now() where key_id = $1', [expiring.id]);
    expect((await admin('get', '/roles/teacher').expect(200)).body).toEqual({
      name: 'teacher',
      description: 'Of a school',
      inherits: [],
      permissions: ['records.read'],
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      usedBy: { apiKeys: 1, entities: ['pupil'] },
    });
    // Who may not see keys is not told of them, nor of entities who may not see those.
    expect((await (await tenant.as('viewer'))('get', '/roles/teacher').expect(200)).body.usedBy).toEqual({ entities: ['pupil'] });
    await made('registrar', { permissions: ['roles.read', 'entities.read:lesson'] });
    expect((await (await tenant.as('registrar'))('get', '/roles/teacher').expect(200)).body.usedBy).toEqual({ entities: [] });
  });

  it('is listed by name', async () => {
    const lone = await test.tenant();
    const call = await lone.as();
    expect((await call('get', '/roles').expect(200)).body).toEqual({ items: [], next: null });
    for (const name of ['b-b', 'b', 'a_', 'b_a']) await put(name, {}, call).expect(201);
    const { body } = await call('get', '/roles').expect(200);
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['a_', 'b', 'b-b', 'b_a']);
  });
});

describe('an API key with a role of the tenant', () => {
  it('is refused when the tenant has no such role, or scopes name what none of its roles permits', async () => {
    await made('sorter', { permissions: ['records.read:note', 'history.read'] });
    const create = (body: object) => admin('post', '/api-keys').send({ name: 'a key', ...body });
    expect(faultsOf(await create({ roles: ['viewer', 'nobody'] }))).toEqual(['/roles/1 role']);
    expect(faultsOf(await create({ roles: ['system_admin'] }))).toEqual(['/roles/0 role']);
    const scopes = ['records.create', 'records.read:memo', 'history.read:note', 'records.read:note', 'records.read'];
    expect(faultsOf(await create({ roles: ['sorter'], scopes }))).toEqual(['/scopes/0 scope', '/scopes/1 scope']);
  });

  it('may what the role permits and the scopes leave of it', async () => {
    await made('packer', { permissions: ['records.read:note', 'records.create:memo'] });
    const { body: key } = await admin('post', '/api-keys')
      .send({ name: 'a key', roles: ['packer'], scopes: ['records.read'] })
      .expect(201);
    const { body } = await supertest(test.service.url).get('/api/v1/session').set('x-api-key', key.key).expect(200);
    expect(body).toMatchObject({
      roles: ['packer'],
      rolesInForce: ['packer'],
      permissions: ['session.read', 'records.read:note'],
    });
  });
});

function body({ detail, before, after }: { detail?: object; before?: object; after?: object }): object {
  return { ...detail, ...(before && { before }), ...(after && { after }) };
}

function asFault(pointer: string): string {
  return `${pointer} permission`;
}
