/** Access grants: who may make, approve, see and end them, and that every tenant they name is told. */

import { uuidV7 } from '../../src/platform/uuid.js';
import { letExpire, makeGrant, systemAdmin } from '../harness/grants.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

const NOTE = { type: 'object', properties: { title: { type: 'string' } } };

let test: TestService;
let first: TestTenant;
let second: TestTenant;
let foreign: TestTenant;
let ann: Awaited<ReturnType<typeof systemAdmin>>;
let bob: Awaited<ReturnType<typeof systemAdmin>>;

beforeAll(async () => {
  test = await startTestService();
  [first, second, foreign] = [await test.tenant(), await test.tenant(), await test.tenant()];
  await first.define('note', NOTE);
  [ann, bob] = [await systemAdmin(test, 'ann'), await systemAdmin(test, 'bob')];
});

afterAll(() => test.stop());

const trail = async (tenant: TestTenant, action: string) =>
  (await (await tenant.as('auditor'))('get', `/audit?action=${action}`)).body.items as Record<string, unknown>[];

/** What the platform's own trail says of an action, newest first. */
async function platformTrail(action: string): Promise<{ actor: string; detail: Record<string, unknown> }[]> {
  const { rows } = await test.database.admin(
    `select actor, body::json->'detail' as detail from audit.events
     where tenant_id = '00000000-0000-0000-0000-000000000000' and action = $1 order by event_id desc`,
    [action],
  );
  return rows;
}

describe('an access grant', () => {
  it('is made by nobody but a system administrator: not by a tenant’s admin, and not with an API key', async () => {
    const body = { tenants: [first.id], reason: 'I would like to have a look' };
    const admin = await test.token(['admin'], first.id);
    expect(refusal(await test.request(admin, 'post', '/api/v1/grants').send(body))).toBe('403 auth/forbidden');
    expect(refusal(await test.request(null, 'post', '/api/v1/grants').send(body))).toBe('401 auth/missing-credentials');
    const call = await first.as();
    const { key } = (
      await call('post', '/api-keys')
        .send({ name: 'k', roles: ['admin'] })
        .expect(201)
    ).body;
    expect(refusal(await test.request(key, 'post', '/api/v1/grants').send(body))).toBe('403 auth/forbidden');
  });

  it('is refused without a reason that somebody can read, without tenants, for too long, or for more than reading and writing', async () => {
    const good = { tenants: [first.id], reason: 'Customer reports wrong totals' };
    const wrong: [object, string[]][] = [
      [{ reason: undefined }, ['/reason']],
      [{ reason: 'short' }, ['/reason']],
      [{ reason: '            ' }, ['/reason']],
      [{ reason: 'two\nlines of text' }, ['/reason']],
      [{ reason: 'an \u001b[31mescape sequence' }, ['/reason']],
      [{ reason: 'a line\u2028separator in it' }, ['/reason']],
      [{ reason: 'x'.repeat(1_001) }, ['/reason']],
      [{ ticket: '' }, ['/ticket']],
      [{ ticket: 'a\u0007b' }, ['/ticket']],
      [{ tenants: undefined }, ['/tenants']],
      [{ tenants: [] }, ['/tenants']],
      [{ tenants: ['acme'] }, ['/tenants']],
      [{ tenants: [first.id, first.id.toUpperCase()] }, ['/tenants']],
      [{ tenants: Array.from({ length: 1_001 }, () => uuidV7()) }, ['/tenants']],
      [{ tenants: [first.id, uuidV7()] }, ['/tenants/1']],
      [{ entities: [] }, ['/entities']],
      [{ access: 'admin' }, ['/access']],
      [{ expiresInMinutes: 0 }, ['/expiresInMinutes']],
      [{ expiresInMinutes: 241 }, ['/expiresInMinutes']],
      [{ expiresInMinutes: 1.5 }, ['/expiresInMinutes']],
      [{ approvedBy: 'ann' }, ['/approvedBy']],
    ];
    for (const [change, places] of wrong) {
      const answer = await ann('post', '/api/v1/grants').send({ ...good, ...change });
      expect([change, refusal(answer)]).toEqual([change, '422 request/invalid']);
      const pointers = faultsOf(answer).map((fault) => fault.split(' ')[0]);
      expect([change, [...new Set(pointers)]]).toEqual([change, places]);
    }
    expect(await trail(first, 'grant.created')).toEqual([]);
  });

  it('is shown as it was made, with what became of it, to all system administrators', async () => {
    const wanted = { tenants: [second.id, first.id], reason: 'Customer reports wrong totals', entities: ['note'] };
    const made = await ann('post', '/api/v1/grants').send({ ...wanted, access: 'write', expiresInMinutes: 5, ticket: '=cmd()' });
    expect(made.status).toBe(201);
    const { id, createdAt, expiresAt } = made.body;
    expect(made.body).toEqual({
      ...{ id: expect.any(String), requestedBy: 'ann', reason: wanted.reason, ticket: '=cmd()', entities: ['note'] },
      ...{ access: 'write', state: 'active', needsApproval: false, createdAt, expiresAt },
      ...{ approvedBy: null, approvedAt: null, revokedBy: null, revokedAt: null, uses: 0, lastUsedAt: null },
      tenants: [first.id, second.id].sort(),
    });
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(5 * 60_000);
    expect((await bob('get', `/api/v1/grants/${id}`)).body).toEqual(made.body);
    const { items, next } = (await bob('get', '/api/v1/grants?limit=1')).body;
    expect([items, next]).toEqual([[made.body], null]);
    await makeGrant(ann, [first]);
    const page = (await bob('get', '/api/v1/grants?limit=1')).body;
    expect((await bob('get', `/api/v1/grants?limit=1&after=${page.next}`)).body.items).toEqual([made.body]);
    for (const none of [uuidV7(), 'none'])
      expect(refusal(await bob('get', `/api/v1/grants/${none}`))).toBe('404 grant/not-found');
  });

  it('is told to each tenant that it names, in its own trail and without the others, and to nobody else', async () => {
    const { id, expiresAt } = await makeGrant(ann, [first, second], { approval: true, entities: ['note'] });
    await bob('post', `/api/v1/grants/${id}/approve`).expect(200);
    await bob('delete', `/api/v1/grants/${id}`).expect(204);
    for (const tenant of [first, second]) {
      const [created] = await trail(tenant, 'grant.created');
      expect(created).toMatchObject({
        actor: 'ann',
        detail: {
          ...{ grant: id, reason: 'Customer reports wrong totals', ticket: 'SUP-1', entities: ['note'] },
          ...{ access: 'read', needsApproval: true, expiresAt },
        },
      });
      expect((await trail(tenant, 'grant.approved'))[0]).toMatchObject({ actor: 'bob', detail: { grant: id } });
      expect((await trail(tenant, 'grant.revoked'))[0]).toMatchObject({ actor: 'bob', detail: { grant: id } });
      const others = [first, second].filter((other) => other !== tenant);
      expect(JSON.stringify(created)).not.toContain(others[0]?.id);
    }
    expect(await trail(foreign, 'grant.created')).toEqual([]);
    const [event] = await platformTrail('grant.created');
    expect(event).toMatchObject({ actor: 'ann', detail: { grant: id, tenants: [first.id, second.id].sort() } });
  });

  it('is listed to the admins and auditors of the tenants that it names, and to nobody else there', async () => {
    const own = await test.tenant();
    const { id } = await makeGrant(ann, [own, second]);
    for (const role of ['viewer', 'editor', 'service'] as const) {
      expect(refusal(await (await own.as(role))('get', '/grants'))).toBe('403 auth/forbidden');
    }
    for (const role of ['admin', 'auditor'] as const) {
      const { body, text } = await (await own.as(role))('get', '/grants').expect(200);
      expect(body).toMatchObject({ items: [{ id, requestedBy: 'ann', state: 'active', uses: 0, access: 'read' }], next: null });
      expect(text).not.toContain(second.id);
    }
    expect((await (await foreign.as())('get', '/grants').expect(200)).body.items).toEqual([]);
  });
});

describe('approval', () => {
  it('is nobody’s own: the refusal is in the trail of the platform', async () => {
    const { id } = await makeGrant(ann, [first], { approval: true });
    expect(refusal(await ann('post', `/api/v1/grants/${id}/approve`))).toBe('403 auth/forbidden');
    expect((await platformTrail('access.denied'))[0]).toMatchObject({ actor: 'ann', detail: { operation: 'grants.approve' } });
    expect((await ann('get', `/api/v1/grants/${id}`)).body).toMatchObject({ state: 'pending', approvedBy: null });
    // Not even by whoever could write to the table.
    const forged = test.database.admin(
      `update business_store_service.access_grants set approved_by = requested_by, approved_at = now() where grant_id = $1`,
      [id],
    );
    await expect(forged).rejects.toThrow('access_grants_approved_by_check');
  });

  it('comes too late for one that is revoked or has expired', async () => {
    const [revoked, expired] = [
      await makeGrant(ann, [first], { approval: true }),
      await makeGrant(ann, [first], { approval: true }),
    ];
    await ann('delete', `/api/v1/grants/${revoked.id}`).expect(204);
    await letExpire(test, expired);
    for (const { id } of [revoked, expired]) {
      expect(refusal(await bob('post', `/api/v1/grants/${id}/approve`))).toBe('409 grant/ended');
    }
    expect(refusal(await bob('post', `/api/v1/grants/${uuidV7()}/approve`))).toBe('404 grant/not-found');
  });

  it('by another makes it good, and does not make it last longer', async () => {
    const { id, expiresAt } = await makeGrant(ann, [first], { approval: true });
    const { body } = await bob('post', `/api/v1/grants/${id}/approve`).expect(200);
    expect(body).toMatchObject({ state: 'active', approvedBy: 'bob', expiresAt });
    const carol = await systemAdmin(test, 'carol');
    expect((await carol('post', `/api/v1/grants/${id}/approve`).expect(200)).body).toMatchObject({ approvedBy: 'bob' });
    expect(
      (await trail(first, 'grant.approved')).filter(({ detail }) => (detail as { grant: string }).grant === id),
    ).toHaveLength(1);
  });

  it('is needed by every grant where GRANT_APPROVAL says so, whatever is sent', async () => {
    const strict = await startTestService({ GRANT_APPROVAL: 'required' });
    try {
      const [tenant, by] = [await strict.tenant(), await systemAdmin(strict, 'ann')];
      const { id } = await makeGrant(by, [tenant], { approval: false });
      expect((await by('get', `/api/v1/grants/${id}`)).body).toMatchObject({ state: 'pending', needsApproval: true });
      const entities = `/api/v1/tenants/${tenant.id}/entities`;
      expect(refusal(await by('get', entities, id))).toBe('403 auth/grant-refused');
      const other = await systemAdmin(strict, 'bob');
      await other('post', `/api/v1/grants/${id}/approve`).expect(200);
      await by('get', entities, id).expect(200);
    } finally {
      await strict.stop();
    }
  });
});

describe('revocation', () => {
  it('by another or by oneself is for good, and a second one changes nothing', async () => {
    const { id } = await makeGrant(ann, [first]);
    await bob('delete', `/api/v1/grants/${id}`).expect(204);
    await ann('delete', `/api/v1/grants/${id}`).expect(204);
    expect((await ann('get', `/api/v1/grants/${id}`)).body).toMatchObject({ state: 'revoked', revokedBy: 'bob' });
    expect((await trail(first, 'grant.revoked')).filter(({ detail }) => (detail as { grant: string }).grant === id)).toHaveLength(
      1,
    );
    expect(refusal(await ann('delete', `/api/v1/grants/${uuidV7()}`))).toBe('404 grant/not-found');
  });
});
