/** One right is never a way to what another is for: rights to write, to plan, to read the trail, to import, or to one entity alone. */

import { makeGrant, systemAdmin } from '../harness/grants.js';
import { refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

type Call = Awaited<ReturnType<TestTenant['as']>>;

const CANARY = 'canary@example.com';
const FORBIDDEN = '403 auth/forbidden';

const DOCUMENTS = {
  person: {
    type: 'object',
    properties: {
      name: { type: 'string', unique: true },
      email: { type: 'string', pii: 'email' },
      salary: { type: 'integer', access: { read: ['payroll'] } },
    },
    additionalProperties: false,
  },
  order: {
    type: 'object',
    softDelete: true,
    properties: {
      title: { type: 'string', unique: true },
      of: { type: 'string', format: 'uuid', relation: { entity: 'person', onDelete: 'cascade' } },
    },
    additionalProperties: false,
  },
  product: { type: 'object', properties: { name: { type: 'string' } } },
};

let test: TestService;
let tenant: TestTenant;
let admin: Call;
let person: { id: string };
let order: { id: string };

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  admin = await tenant.as();
  for (const [name, document] of Object.entries(DOCUMENTS)) await tenant.define(name, document);
  person = (await admin('post', '/records/person').send({ name: 'Ada', email: CANARY, salary: 5_000 }).expect(201)).body;
  order = (await admin('post', '/records/order').send({ title: 'first', of: person.id }).expect(201)).body;
});

afterAll(() => test.stop());

/** A caller with these roles, of which `clerk` permits this. */
async function clerk(permissions: readonly string[], roles: readonly string[] = ['clerk'], claims: object = {}): Promise<Call> {
  const { status, text } = await admin('put', '/roles/clerk').send({ permissions });
  if (status >= 300) throw new Error(`${status} ${text}`);
  const bearer = await test.issuer.sign({ subject: 'somebody@test', roles, tenantId: tenant.id, claims: claims as never });
  return (method: Method, path: string) => test.request(bearer, method, `/api/v1/tenants/${tenant.id}${path}`);
}

describe('who may write and not read', () => {
  const WRITES = ['records.create', 'records.update', 'records.delete'];

  it('is answered with nothing that is stored, of this entity or another', async () => {
    const call = await clerk(WRITES);
    const attempts = [
      call('post', '/records/order?select=id,person!of(*)').send({ title: 'second', of: person.id }),
      call('patch', `/records/order/${order.id}?select=title,person!of(*)`).send({ title: 'x' }),
      call('patch', `/records/order?title=eq.first&select=title,person!of!inner(name)&person.email=like.c*`).send({}),
      call('patch', `/records/person?name=like.*`).send({}),
      call('delete', `/records/person?email=like.c*`),
      call('put', `/records/person?name=eq.Ada&select=*`).send({ name: 'Ada' }),
      call('patch', `/records/person/${person.id}`).set('prefer', 'return=representation').send({}),
      call('post', '/records/person?on_conflict=name')
        .set('prefer', 'resolution=merge-duplicates, return=representation')
        .send({ name: 'Ada' }),
    ];
    for (const attempt of attempts) expect(refusal(await attempt)).toBe(FORBIDDEN);
    const patched = await call('patch', `/records/person/${person.id}`).send({ name: 'Ada L' });
    expect([patched.status, patched.text]).toEqual([204, '']);
    const merged = await call('post', '/records/person?on_conflict=name')
      .set('prefer', 'resolution=merge-duplicates')
      .send({ name: 'Ada L' });
    expect(merged.text).not.toContain(CANARY);
  });

  it('is answered with what it has just inserted', async () => {
    const created = await (await clerk(WRITES))('post', '/records/person').send({ name: 'Ben' });
    expect(created.body).toMatchObject({ name: 'Ben' });
  });
});

it('who may not read a key learns nothing of it by a relation to it', async () => {
  const badge = { type: 'string', unique: true, access: { read: ['guard'], write: ['admin'] } };
  await tenant.define('vault', { type: 'object', properties: { badge } });
  const relation = { entity: 'vault', field: 'badge' };
  await tenant.define('door', { type: 'object', properties: { badge: { type: 'string', relation }, name: { type: 'string' } } });
  await admin('post', '/records/vault').send({ badge: 'b-1' }).expect(201);
  const editor = await tenant.as('editor');
  const answers = [];
  for (const guess of ['b-1', 'b-2']) answers.push(await editor('post', '/records/door').send({ badge: guess }));
  expect(answers.map(refusal)).toEqual(['403 record/field-forbidden', '403 record/field-forbidden']);
  await editor('post', '/records/door').send({ name: 'front' }).expect(201);
});

it('who imports may change what is there only with the right to change', async () => {
  const rows = `${JSON.stringify({ title: 'first' })}\n`;
  const send = (call: Call) =>
    call('post', '/imports/order?on_conflict=title').set('content-type', 'application/x-ndjson').send(rows);
  expect(refusal(await send(await clerk(['records.import', 'records.read'])))).toBe(FORBIDDEN);
  expect((await admin('get', `/records/order/${order.id}`)).body.revision).toBe(1);
  expect((await send(await clerk(['records.import', 'records.read', 'records.update']))).body).toMatchObject({ stored: 1 });
});

it('to plan, which counts whatever there is, is for no role of a tenant', async () => {
  expect((await admin('put', '/roles/clerk').send({ permissions: ['entities.plan'] })).status).toBe(422);
});

describe('an auditor', () => {
  it('reads redacted what another of its roles does not read', async () => {
    const call = await clerk(['records.read:product'], ['auditor', 'clerk']);
    expect((await call('get', '/records/person')).text).not.toContain(CANARY);
  });

  it('does not see in the trail what no document names any more, whatever is given its name', async () => {
    await tenant.define('box', { type: 'object', properties: { pin: { type: 'string', access: { read: ['vault'] } } } });
    await admin('post', '/records/box').send({ pin: CANARY }).expect(201);
    await admin('delete', '/entities/box?allow=destructive').expect(204);
    await tenant.define('box', { type: 'object', properties: { note: { type: 'string' } } });
    const { text, body } = await (await tenant.as('auditor'))('get', '/audit?entity=box');
    expect(text).not.toContain(CANARY);
    expect(body.items.some(({ redacted }: { redacted?: string[] }) => redacted?.includes('pin'))).toBe(true);
  });
});

it('to read the trail shows who did what, and no content of records that one may not read', async () => {
  const { body, text } = await (await clerk(['audit.read']))('get', '/audit?entity=person');
  expect(text).not.toContain(CANARY);
  expect(body.items[0]).toMatchObject({ action: 'record.created', recordId: person.id, redacted: ['*'] });
});

describe('an access grant for one entity', () => {
  const path = (rest: string) => `/api/v1/tenants/${tenant.id}${rest}`;

  it('deletes, empties and restores no records of others by the way', async () => {
    const use = await systemAdmin(test, 'root@test');
    const { id } = await makeGrant(use, [tenant], { entities: ['person'], access: 'write' });
    expect(refusal(await use('delete', path(`/records/person/${person.id}`), id))).toBe(FORBIDDEN);
    expect(refusal(await use('delete', path('/records/person?name=eq.Ada'), id))).toBe(FORBIDDEN);
    expect((await admin('get', `/records/order/${order.id}`)).status).toBe(200);
  });

  it('is not answered with what a wider one was answered with', async () => {
    const use = await systemAdmin(test, 'root@test');
    const wide = await makeGrant(use, [tenant], { access: 'write' });
    const narrow = await makeGrant(use, [tenant], { entities: ['order'], access: 'write' });
    const send = ({ id }: { id: string }) =>
      use('post', path('/records/order?select=title,person!of(*)'), id)
        .set('idempotency-key', 'once')
        .send({ title: 'second', of: person.id });
    expect((await send(wide)).text).toContain(CANARY);
    const replayed = await send(narrow);
    expect(replayed.status).toBeGreaterThanOrEqual(400);
    expect(replayed.text).not.toContain(CANARY);
  });

  it('is told to the tenant with what was selected', async () => {
    const use = await systemAdmin(test, 'root@test');
    const { id } = await makeGrant(use, [tenant]);
    await use('get', path('/records/order?select=title,person!of(name)'), id).expect(200);
    const { body } = await admin('get', '/audit?action=access.crossed');
    expect(body.items[0]).toMatchObject({ entity: 'order', detail: { select: 'title,person!of(name)' } });
  });
});

it('an answer that was kept is not given to a caller with other claims or other rights', async () => {
  const document = { ...DOCUMENTS.product, rowRules: { clerk: { read: { name: { in: { claim: 'names' } } }, write: true } } };
  await tenant.define('ware', document);
  const send = (call: Call) => call('post', '/records/ware').set('idempotency-key', 'once').send({ name: 'eu' });
  const PERMISSIONS = ['records.create', 'records.read'];
  await send(await clerk(PERMISSIONS, ['clerk'], { names: ['eu'] })).expect(201);
  expect((await send(await clerk(PERMISSIONS, ['clerk'], { names: ['us'] }))).status).toBeGreaterThanOrEqual(400);
  expect((await send(await clerk(['records.create'], ['clerk'], { names: ['eu'] }))).status).toBeGreaterThanOrEqual(400);
});
