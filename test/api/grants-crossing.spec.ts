/**
 * System administrators inside tenants: by a grant in force and in no other way, for what it permits, and only once the tenant has been
 * told. Refusals tell nothing of grants and tenants that are not the caller's.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { permissionsUnder } from '../../src/access/grant.js';
import { ruleOf } from '../../src/access/operations.js';
import { PLATFORM_ID } from '../../src/database/control-plane.js';
import type { DeclaredRoute } from '../../src/http/assert-operations.js';
import { uuidV7 } from '../../src/platform/uuid.js';
import type { RunningService } from '../../src/start.js';
import { letExpire, makeGrant, systemAdmin } from '../harness/grants.js';
import { refusal } from '../harness/problem.js';
import { watchRoutes } from '../harness/routes.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings } from '../harness/surroundings.js';
import { tapWire, type WireTap } from '../harness/wire-tap.js';
import { FITTING, NOTE } from './fitting-requests.js';

jest.setTimeout(120_000);

const routes = watchRoutes();
let declared: DeclaredRoute[];
let runtime: WireTap;
let control: WireTap;
/** What went to the database on either connection, in its order. */
const wire: string[] = [];
let test: TestService;
let second: RunningService;
let own: TestTenant;
let foreign: TestTenant;
let ann: Awaited<ReturnType<typeof systemAdmin>>;
let bob: Awaited<ReturnType<typeof systemAdmin>>;
let notes: string;

const CHILD = {
  type: 'object',
  properties: {
    note: { type: 'string', relation: { entity: 'note', field: 'title' } },
    secret: { type: 'string', access: { read: ['admin'] } },
  },
};

beforeAll(async () => {
  const around = await createSurroundings();
  [runtime, control] = [await tapWire(around.database.runtimeUrl), await tapWire(around.database.controlUrl)];
  for (const tap of [runtime, control]) {
    tap.judge = ({ sql }) => {
      if (sql !== '') wire.push(sql);
      return 'pass';
    };
  }
  test = await startTestService({ DATABASE_URL: runtime.url, DATABASE_CONTROL_URL: control.url }, around);
  second = await test.another();
  declared = await routes.declared();
  [own, foreign] = [await test.tenant(), await test.tenant()];
  for (const tenant of [own, foreign]) {
    await tenant.define('note', NOTE);
    await tenant.define('child', CHILD);
    const call = await tenant.as();
    await call('post', '/records/note')
      .send({ title: `of ${tenant.slug}` })
      .expect(201);
    await call('post', '/records/child')
      .send({ note: `of ${tenant.slug}`, secret: 'kept' })
      .expect(201);
  }
  [ann, bob] = [await systemAdmin(test, 'ann'), await systemAdmin(test, 'bob')];
  notes = `/api/v1/tenants/${own.id}/records/note`;
});

afterAll(async () => {
  await second.stop();
  await test.stop();
  await Promise.all([runtime.stop(), control.stop()]);
  jest.restoreAllMocks();
});

const crossings = async (tenant = own) => {
  const { rows } = await test.database.admin(
    `select actor, entity, body::json->'detail' as detail from audit.events
     where tenant_id = $1 and action = 'access.crossed' order by event_id`,
    [tenant.id],
  );
  return rows as { actor: string; entity: string | null; detail: Record<string, unknown> }[];
};

const denials = async (tenantId: string): Promise<number> => {
  const text = `select count(*)::int as n from audit.events where tenant_id = $1 and action = 'access.denied'`;
  return (await test.database.admin(text, [tenantId])).rows[0].n;
};

/** Statements that read or write rows of the tenant. */
const touching = (tenant: TestTenant): string[] => wire.filter((sql) => sql.includes(tenant.schemaName));

describe('without a grant in force a system administrator', () => {
  it('is refused, sees nothing of a tenant, and leaves no event there: the trail of the platform tells of it', async () => {
    const before = [await denials(PLATFORM_ID), await denials(own.id)];
    expect(refusal(await ann('get', notes))).toBe('403 auth/forbidden');
    const other = await makeGrant(bob, [own]);
    const elsewhere = await makeGrant(ann, [foreign]);
    wire.length = 0;
    for (const grant of [uuidV7(), other.id, elsewhere.id, 'none', '', `${elsewhere.id}, ${other.id}`]) {
      expect([grant, refusal(await ann('get', notes, grant))]).toEqual([grant, '403 auth/grant-refused']);
    }
    expect(touching(own)).toEqual([]);
    expect([await denials(PLATFORM_ID), await denials(own.id)]).toEqual([(before[0] as number) + 7, before[1]]);
    expect(await crossings()).toEqual([]);
  });

  it('cannot tell a grant of another’s from one that nobody has, nor a tenant that the grant does not name from none at all', async () => {
    const other = await makeGrant(bob, [own]);
    const mine = await makeGrant(ann, [foreign]);
    const told = async (path: string, grant: string) => {
      const { status, text, headers } = await ann('get', path, grant).set('x-request-id', 'the-same');
      const { date: _, ...kept } = headers;
      return { status, text, kept };
    };
    const unknown = await told(notes, uuidV7());
    expect(unknown.status).toBe(403);
    expect(await told(notes, other.id)).toEqual(unknown);
    expect(await told(notes, mine.id)).toEqual(unknown);
    for (const tenant of [uuidV7(), 'acme', PLATFORM_ID]) {
      expect(await told(`/api/v1/tenants/${tenant}/records/note`, mine.id)).toEqual(unknown);
    }
    // Nor whether the entity or the record exists there.
    expect(await told(`/api/v1/tenants/${own.id}/records/nothing`, other.id)).toEqual(unknown);
  });

  it('is refused while it is pending, when it has expired, and when it was revoked', async () => {
    const pending = await makeGrant(ann, [own], { approval: true });
    const [expired, revoked] = [await makeGrant(ann, [own]), await makeGrant(ann, [own])];
    await ann('get', notes, expired.id).expect(200);
    await letExpire(test, expired);
    await bob('delete', `/api/v1/grants/${revoked.id}`).expect(204);
    const before = (await crossings()).length;
    wire.length = 0;
    for (const { id } of [pending, expired, revoked]) {
      expect(refusal(await ann('get', notes, id))).toBe('403 auth/grant-refused');
    }
    expect(touching(own)).toEqual([]);
    expect(await crossings()).toHaveLength(before);
    await bob('post', `/api/v1/grants/${pending.id}/approve`).expect(200);
    await ann('get', notes, pending.id).expect(200);
  });

  it('is refused as soon as the clock of the database says so', async () => {
    const { id } = await makeGrant(ann, [own]);
    await test.database.admin(
      `update business_store_service.access_grants set expires_at = now() + interval '1 second' where grant_id = $1`,
      [id],
    );
    await ann('get', notes, id).expect(200);
    await pause(1_100);
    expect(refusal(await ann('get', notes, id))).toBe('403 auth/grant-refused');
  });

  it('is refused on every instance once another has revoked the grant', async () => {
    const { id } = await makeGrant(ann, [own]);
    const bearer = await test.issuer.sign({ subject: 'ann', roles: ['system_admin'] });
    const there = () => fetch(second.url + notes, { headers: { authorization: `Bearer ${bearer}`, 'x-access-grant': id } });
    expect((await there()).status).toBe(200);
    await bob('delete', `/api/v1/grants/${id}`).expect(204);
    expect((await there()).status).toBe(403);
  });

  it('has no way below /rest/v1, which names no tenant', async () => {
    const { id } = await makeGrant(ann, [own]);
    expect((await ann('get', '/rest/v1/note', id)).status).toBe(403);
  });
});

describe('others', () => {
  it('gain nothing by the header: not a tenant’s own admin elsewhere, and not an API key', async () => {
    const { id } = await makeGrant(ann, [own, foreign]);
    const call = await own.as();
    const { key } = (
      await call('post', '/api-keys')
        .send({ name: 'k', roles: ['admin'] })
        .expect(201)
    ).body;
    const there = `/api/v1/tenants/${foreign.id}/records/note`;
    for (const bearer of [
      await test.token(['admin'], own.id),
      key,
      await test.issuer.sign({ subject: 'ann', tenantId: own.id, roles: ['admin'] }),
    ]) {
      expect(refusal(await test.request(bearer, 'get', there).set('x-access-grant', id))).toBe('403 auth/tenant-mismatch');
    }
    // At home it changes nothing either.
    const viewer = await test.token(['viewer'], own.id);
    expect((await test.request(viewer, 'get', notes).set('x-access-grant', uuidV7())).status).toBe(200);
    expect(refusal(await test.request(viewer, 'post', notes).set('x-access-grant', id).send({}))).toBe('403 auth/forbidden');
  });
});

describe('a grant', () => {
  it('to read or to write permits exactly what is said of it, on every route of a tenant', async () => {
    const wrong: string[] = [];
    for (const access of ['read', 'write'] as const) {
      const { id } = await makeGrant(ann, [own], { access });
      const permitted = permissionsUnder({ id, access, entities: null, reason: '', ticket: null, expiresAt: new Date() });
      for (const { method, path, operation } of declared) {
        if (!path.includes(':tenantId') || ruleOf(operation as never).scope !== 'tenant') continue;
        const answer = await performed(method, path, id);
        const got = answer.status === 403 ? refusal(answer) : 'let in';
        const wanted = permitted.includes(operation) ? 'let in' : '403 auth/forbidden';
        if (got !== wanted || answer.status >= 500)
          wrong.push(`${access} ${method} ${path}: ${got} (${answer.status}), not ${wanted}`);
      }
      expect(permitted).not.toContain('audit.read');
      expect(
        permitted.some((operation) => /^(apiKeys|roles|webhooks|access|entities\.(plan|define))|purge/.test(operation)),
      ).toBe(false);
    }
    expect(wrong).toEqual([]);
  });

  it('to read writes nothing', async () => {
    const { id } = await makeGrant(ann, [own]);
    const before = (await (await own.as())('get', '/records/note?select=id')).body.length;
    for (const [method, path] of [
      ['post', notes],
      ['patch', `${notes}?title=eq.x`],
      ['delete', `${notes}?title=eq.x`],
    ] as const) {
      expect(refusal(await ann(method as Method, path, id).send({ title: 'smuggled' }))).toBe('403 auth/forbidden');
    }
    expect((await (await own.as())('get', '/records/note?select=id')).body).toHaveLength(before);
  });

  it('to write writes in the name of whoever holds it, and the tenant’s trail says so', async () => {
    const { id } = await makeGrant(ann, [own], { access: 'write' });
    const created = await ann('post', notes, id).send({ title: 'repaired' }).expect(201);
    expect(created.body).toMatchObject({ created_by: 'ann' });
    const { items } = (await (await own.as())('get', '/audit?limit=2')).body;
    expect(items).toMatchObject([
      { action: 'record.created', actor: 'ann', recordId: created.body.id },
      {
        action: 'access.crossed',
        actor: 'ann',
        entity: 'note',
        detail: { grant: id, operation: 'records.create', access: 'write' },
      },
    ]);
    await ann('delete', `${notes}/${created.body.id}`, id).expect(204);
  });

  it('for one entity reaches no other: not by path, not embedded, not filtered or sorted by, and not as the whole', async () => {
    const { id } = await makeGrant(ann, [own], { entities: ['child'] });
    const base = `/api/v1/tenants/${own.id}`;
    const child = `${base}/records/child`;
    await ann('get', child, id).expect(200);
    await ann('get', `${base}/entities/child`, id).expect(200);
    const beyond = [
      notes,
      `${child}?select=*,parent:note(title)`,
      `${child}?select=id,parent:note!inner()&parent.title=neq.x`,
      `${child}?select=id,parent:note()&order=parent(title)`,
      `${base}/exports/note`,
      `${base}/entities/note`,
      `${base}/entities`,
      `${base}/openapi.json`,
      `${base}/types.ts`,
    ];
    const before = await denials(PLATFORM_ID);
    for (const path of beyond) expect([path, refusal(await ann('get', path, id))]).toEqual([path, '403 auth/forbidden']);
    expect(await denials(PLATFORM_ID)).toBe(before + beyond.length);
    const whole = await makeGrant(ann, [own]);
    for (const path of beyond) expect([path, (await ann('get', path, whole.id)).status]).toEqual([path, 200]);
  });

  it('shows what the roles of a field name: those of a tenant, and not a system administrator', async () => {
    const { id } = await makeGrant(ann, [own]);
    const path = `/api/v1/tenants/${own.id}/records/child`;
    const [record] = (await ann('get', path, id).expect(200)).body;
    expect(record).toMatchObject({ note: `of ${own.slug}` });
    expect(record).not.toHaveProperty('secret');
    expect((await ann('get', `${path}?select=secret`, id)).status).toBeGreaterThanOrEqual(400);
    expect((await (await own.as())('get', '/records/child')).body[0]).toMatchObject({ secret: 'kept' });
    // Whatever else the token claims to be.
    const both = await test.issuer.sign({ subject: 'ann', roles: ['system_admin', 'admin'] });
    const seen = await test.request(both, 'get', path).set('x-access-grant', id).expect(200);
    expect(seen.body[0]).not.toHaveProperty('secret');
  });

  it('opens no suspended tenant', async () => {
    const tenant = await test.tenant();
    const { id } = await makeGrant(ann, [tenant]);
    await ann('get', `/api/v1/tenants/${tenant.id}/entities`, id).expect(200);
    await ann('patch', `/api/v1/tenants/${tenant.id}`).send({ status: 'suspended' }).expect(200);
    expect(refusal(await ann('get', `/api/v1/tenants/${tenant.id}/entities`, id))).toBe('403 tenant/suspended');
  });

  it('is in the session that names it, as long as it is in force', async () => {
    const { id, expiresAt } = await makeGrant(ann, [own, foreign], { entities: ['note'] });
    const { body } = await ann('get', '/api/v1/session', id).expect(200);
    expect(body.grant).toEqual({ id, tenants: [own.id, foreign.id].sort(), entities: ['note'], access: 'read', expiresAt });
    expect((await ann('get', '/api/v1/session')).body).not.toHaveProperty('grant');
    expect((await bob('get', '/api/v1/session', id)).body.grant).toBeNull();
    await ann('delete', `/api/v1/grants/${id}`).expect(204);
    expect((await ann('get', '/api/v1/session', id)).body.grant).toBeNull();
  });
});

describe('the intent', () => {
  it('is committed in the tenant’s trail before anything is read there, once for each request', async () => {
    const { id } = await makeGrant(ann, [own]);
    await ann('get', notes, id).expect(200);
    const before = (await crossings()).length;
    wire.length = 0;
    // With another shape each, so that every statement is new to its connection and seen whole.
    for (const order of ['title', 'title.desc', 'id.desc'])
      await ann('get', `${notes}?select=title&order=${order}`, id).expect(200);
    const steps = wire.flatMap((sql) => {
      if (/insert into audit\.events/.test(sql)) return ['told'];
      if (sql === 'commit') return ['commit'];
      return sql.includes(own.schemaName) && /\bnote\b/.test(sql) ? ['read'] : [];
    });
    const relevant = steps.filter((step, index) => step !== 'commit' || steps[index - 1] === 'told');
    expect(relevant).toEqual(['told', 'commit', 'read', 'told', 'commit', 'read', 'told', 'commit', 'read']);
    const made = (await crossings()).slice(before);
    expect(made).toHaveLength(3);
    expect(made[0]).toEqual({
      ...{ actor: 'ann', entity: 'note' },
      detail: {
        ...{ grant: id, reason: 'Customer reports wrong totals', ticket: 'SUP-1', access: 'read' },
        ...{ operation: 'records.read', method: 'GET', route: '/api/v1/tenants/:tenantId/records/:entity' },
        select: 'title',
      },
    });
    const [shown] = (await (await own.as())('get', '/grants?limit=1')).body.items;
    expect(shown).toMatchObject({ id, uses: 4, lastUsedAt: expect.any(String) });
  });

  it('that cannot be written lets nobody in: 503, and nothing is read', async () => {
    const { id } = await makeGrant(ann, [own], { access: 'write' });
    await ann('get', notes, id).expect(200);
    const columns = 'tenant_id, event_id, actor, request_id, action, entity, record_id, body';
    await test.database.admin('revoke insert on audit.events from bss_control');
    try {
      wire.length = 0;
      const count = (await crossings()).length;
      for (const [method, path] of [
        ['get', notes],
        ['get', `${notes}/${uuidV7()}`],
        ['post', notes],
        ['get', `/api/v1/tenants/${own.id}/exports/note`],
      ] as const) {
        const answer = await ann(method, path, id).send(method === 'post' ? { title: 'unseen' } : undefined);
        expect([path, refusal(answer), answer.headers['retry-after']]).toEqual([path, '503 audit/unavailable', '5']);
      }
      expect(touching(own)).toEqual([]);
      expect(await crossings()).toHaveLength(count);
    } finally {
      await test.database.admin(`grant insert (${columns}) on audit.events to bss_control`);
    }
    await ann('get', notes, id).expect(200);
  });
});

async function performed(method: string, path: string, grant: string) {
  const fitting = FITTING[`${method} ${path}`] ?? {};
  const filled = path.replace(':tenantId', own.id).replace(':entity', 'note').replace(':id', uuidV7()).replace(':version', '1');
  const request = ann(method.toLowerCase() as Method, filled.replace(/:\w+/g, 'none') + (fitting.query ?? ''), grant);
  return fitting.body || /POST|PUT|PATCH/.test(method) ? request.send(fitting.body ?? { title: uuidV7() }) : request;
}
