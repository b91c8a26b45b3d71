/** Refused requests and failed writes: what the trails have of them, and what they have not. */
import { uuidV7 } from '../../src/platform/uuid.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { NOTE } from './fitting-requests.js';

let test: TestService;
let own: TestTenant;
/** Of a record. */
let stored: string;

beforeAll(async () => {
  test = await startTestService();
  own = await test.tenant();
  await own.define('note', NOTE);
  stored = (await (await own.as())('post', '/records/note').send({ title: 'stored' }).expect(201)).body.id;
});

afterAll(() => test.stop());

describe('a denied request', () => {
  it('is told to the admin and the auditor of the tenant, with who, what and in which roles', async () => {
    const request = test.request(
      await test.token(['viewer'], own.id),
      'delete',
      `/api/v1/tenants/${own.id}/records/note/${uuidV7()}`,
    );
    expect((await request.set('x-request-id', 'denied-1')).status).toBe(403);
    for (const role of ['admin', 'auditor'] as const) {
      const { body } = await (await own.as(role))('get', '/audit?action=access.denied&limit=1');
      expect(body.items).toMatchObject([
        {
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
      [409, call('patch', `/records/note/${stored}`).send({ title: 'parent' })],
      [412, call('delete', `/records/note/${parent.id}`).set('if-match', '"99"')],
      [409, call('delete', `/records/note/${parent.id}`)],
      [404, call('delete', `/records/note/${uuidV7()}`)],
      [422, call('put', '/entities/bad').send({ type: 'array' })],
      [409, call('put', '/entities/note').send({ ...NOTE, required: ['title'] })],
      [409, test.request(await test.token(['system_admin']), 'post', '/api/v1/tenants').send({ slug: own.slug })],
    ];
    for (const [status, attempt] of attempts) expect((await attempt).status).toBe(status);
    expect(await changes()).toBe(before);

    expect((await call('patch', `/records/note/${parent.id}`).send({ title: 'parent' })).status).toBe(200);
    expect(await changes()).toBe(before + 1);
  });
});

async function changes(): Promise<number> {
  const { rows } = await test.database.admin(`select count(*)::int from audit.events where action <> 'access.denied'`);
  return rows[0].count;
}
