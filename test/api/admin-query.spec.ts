/** One list, asked of many tenants under a grant: told to each, one by one, in bounded memory, and over when the grant is. */

import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Response } from 'supertest';
import { uuidV7 } from '../../src/platform/uuid.js';
import { eventually } from '../harness/eventually.js';
import { letExpire, type MadeGrant, makeGrant, systemAdmin } from '../harness/grants.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings } from '../harness/surroundings.js';
import { tapWire, type WireTap } from '../harness/wire-tap.js';

jest.setTimeout(120_000);

const ORDER = {
  type: 'object',
  properties: {
    number: { type: 'integer' },
    title: { type: 'string' },
    customer: { type: 'string', relation: { entity: 'customer', field: 'name' } },
    margin: { type: 'number', access: { read: ['admin'] } },
  },
};
const CUSTOMER = { type: 'object', properties: { name: { type: 'string', unique: true } } };
const PATH = '/api/v1/admin/query';

interface Line {
  readonly type: 'tenant' | 'record' | 'error' | 'progress' | 'end';
  readonly tenantId: string;
  readonly record: Record<string, unknown>;
  readonly problem: { readonly type: string };
  readonly [member: string]: unknown;
}

let test: TestService;
let tap: WireTap;
let ann: Awaited<ReturnType<typeof systemAdmin>>;
let bob: Awaited<ReturnType<typeof systemAdmin>>;
let tenants: TestTenant[];

beforeAll(async () => {
  const around = await createSurroundings();
  tap = await tapWire(around.database.runtimeUrl);
  test = await startTestService({ DATABASE_URL: tap.url }, around);
  tenants = await Promise.all(Array.from({ length: 6 }, () => test.tenant()));
  for (const [index, tenant] of tenants.entries()) {
    await tenant.define('customer', CUSTOMER);
    await tenant.define('order', ORDER);
    const call = await tenant.as();
    await call('post', '/records/customer').send({ name: 'Eve' }).expect(201);
    const orders = Array.from({ length: 3 + index }, (_, n) => ({ number: n, title: tenant.slug, customer: 'Eve', margin: 0.5 }));
    await call('post', '/records/order').send(orders).expect(201);
  }
  [ann, bob] = [await systemAdmin(test, 'ann'), await systemAdmin(test, 'bob')];
});

afterAll(async () => {
  await test.stop();
  await tap.stop();
});

async function lines(grant: MadeGrant | null, body: object): Promise<Line[]> {
  const answer = await ann('post', PATH, grant?.id).buffer(true).parse(asText).send(body);
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
  expect(answer.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  return linesOf(answer.body as string);
}

/** supertest leaves media types that it does not know to whoever asks. */
function asText(answer: Response, done: (error: Error | null, body: string) => void): void {
  let text = '';
  const stream = answer as unknown as NodeJS.ReadableStream;
  stream.on('data', (chunk) => {
    text += chunk;
  });
  stream.on('end', () => done(null, text));
}

const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

const of = (all: readonly Line[], type: Line['type'], tenant?: TestTenant) =>
  all.filter((line) => line.type === type && (!tenant || line.tenantId === tenant.id));

const crossings = async (tenant: TestTenant): Promise<{ detail: Record<string, unknown> }[]> => {
  const text = `select body::json->'detail' as detail from audit.events where tenant_id = $1 and action = 'access.crossed'`;
  return (await test.database.admin(text, [tenant.id])).rows;
};

/** An answer that is not read before somebody does. */
async function opened(grant: MadeGrant, body: object): Promise<IncomingMessage> {
  const bearer = await test.issuer.sign({ subject: 'ann', roles: ['system_admin'] });
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', 'x-access-grant': grant.id };
  const sent = httpRequest(test.service.url + PATH, { method: 'POST', headers });
  sent.end(JSON.stringify(body));
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  return answer;
}

/** As superuser, until the work is over: whoever reads the table waits. */
async function whileLocked<T>(tenant: TestTenant, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: test.database.adminUrl });
  await client.connect();
  try {
    await client.query(`begin; lock table "${tenant.schemaName}"."order" in access exclusive mode`);
    return await work();
  } finally {
    await client.end();
  }
}

describe('a query over tenants', () => {
  it('is refused to everybody who is no system administrator, and to those without a grant of their own that names them all', async () => {
    const body = { entity: 'order' };
    const admin = await test.token(['admin'], tenants[0]?.id);
    expect(refusal(await test.request(admin, 'post', PATH).send(body))).toBe('403 auth/forbidden');
    expect(refusal(await ann('post', PATH).send(body))).toBe('403 auth/forbidden');
    const [expired, revoked] = [await makeGrant(ann, tenants), await makeGrant(ann, tenants)];
    await letExpire(test, expired);
    await ann('delete', `/api/v1/grants/${revoked.id}`).expect(204);
    const pending = await makeGrant(ann, tenants, { approval: true });
    const other = await makeGrant(bob, tenants);
    for (const grant of [expired.id, revoked.id, pending.id, other.id, uuidV7(), 'none']) {
      expect([grant, refusal(await ann('post', PATH, grant).send(body))]).toEqual([grant, '403 auth/grant-refused']);
      expect([grant, refusal(await ann('post', PATH).send({ ...body, grant }))]).toEqual([grant, '403 auth/grant-refused']);
    }
    const some = await makeGrant(ann, tenants.slice(0, 2));
    const told = async (ids: (string | undefined)[]) => {
      const { status, text } = await ann('post', PATH, some.id)
        .set('x-request-id', 'same')
        .send({ ...body, tenants: ids });
      return [status, text];
    };
    const foreign = await told([tenants[0]?.id, tenants[3]?.id]);
    expect(foreign[0]).toBe(403);
    expect(await told([tenants[0]?.id, uuidV7()])).toEqual(foreign);
    const narrowed = await makeGrant(ann, tenants, { entities: ['customer'] });
    expect(refusal(await ann('post', PATH, narrowed.id).send(body))).toBe('403 auth/forbidden');
    for (const tenant of tenants) expect(await crossings(tenant)).toEqual([]);
    const wrong = [
      {},
      { entity: '' },
      { ...body, tenants: [] },
      { ...body, tenants: ['x'] },
      { ...body, limit: 0 },
      { ...body, concurrency: 9 },
    ];
    for (const each of wrong) expect(refusal(await ann('post', PATH, some.id).send(each))).toBe('422 request/invalid');
  });

  it('answers with every tenant’s records, whose they are, how far it is, and how it ended; each trail has the intent first', async () => {
    const grant = await makeGrant(ann, tenants);
    const all = await lines(grant, { entity: 'order', query: 'select=number,title&order=number.desc' });
    for (const [index, tenant] of tenants.entries()) {
      const own = all.filter(({ tenantId }) => tenantId === tenant.id).map(({ type }) => type);
      expect(own).toEqual(['tenant', ...Array.from({ length: 3 + index }, () => 'record'), 'progress']);
      expect(of(all, 'tenant', tenant)[0]).toEqual({ type: 'tenant', tenantId: tenant.id, slug: tenant.slug });
      const numbers = Array.from({ length: 3 + index }, (_, n) => 2 + index - n);
      expect(of(all, 'record', tenant).map(({ record }) => record)).toEqual(
        numbers.map((number) => ({ number, title: tenant.slug })),
      );
      expect((await crossings(tenant)).map(({ detail }) => detail)).toEqual([
        expect.objectContaining({ grant: grant.id, operation: 'admin.query', route: PATH, method: 'POST' }),
      ]);
    }
    expect(of(all, 'progress').map(({ done, of: total }) => [done, total])).toEqual(tenants.map((_, n) => [n + 1, 6]));
    expect(all.at(-1)).toEqual({ type: 'end', complete: true, of: 6, done: 6, records: 33, errors: 0 });
    expect((await ann('get', `/api/v1/grants/${grant.id}`)).body).toMatchObject({ uses: 6 });
  });

  it('shows no more than the roles of fields permit, and embeds no entity that the grant does not name', async () => {
    const grant = await makeGrant(ann, tenants.slice(0, 1));
    for (const { record } of of(await lines(grant, { entity: 'order' }), 'record')) expect(record).not.toHaveProperty('margin');
    const embedding = { entity: 'order', query: 'select=number,who:customer(name)&order=number&limit=1' };
    expect(of(await lines(grant, embedding), 'record')[0]?.record).toEqual({ number: 0, who: { name: 'Eve' } });
    const narrowed = await makeGrant(ann, tenants.slice(0, 1), { entities: ['order'] });
    const [error] = of(await lines(narrowed, embedding), 'error');
    expect(error?.problem.type).toBe('urn:bss:problem:auth/forbidden');
  });

  it('takes filters, groups, offsets and limits of each tenant, and says where there would have been more', async () => {
    const grant = await makeGrant(ann, tenants);
    const some = tenants.slice(1, 3).map(({ id }) => id.toUpperCase());
    const counted = await lines(grant, { entity: 'order', query: 'select=count()', tenants: some });
    expect(of(counted, 'record').map(({ record }) => record)).toEqual(expect.arrayContaining([{ count: 4 }, { count: 5 }]));
    const few = await lines(grant, { entity: 'order', query: 'limit=4&offset=1', limit: 3, tenants: some });
    expect(of(few, 'record')).toHaveLength(6);
    expect(
      of(few, 'progress')
        .map(({ cut }) => cut)
        .sort(),
    ).toEqual([false, true]);
    const none = await lines(grant, { entity: 'order', query: 'number=gt.100', tenants: some });
    expect(none.at(-1)).toMatchObject({ complete: true, records: 0, errors: 0 });
  });

  it('goes on when a tenant has no such entity, is suspended, understands the query otherwise or cannot be told', async () => {
    const [without, suspended, other, untold] = await Promise.all([test.tenant(), test.tenant(), test.tenant(), test.tenant()]);
    for (const tenant of [suspended, untold]) await tenant.define('order', ORDER).catch(() => tenant.define('order', CUSTOMER));
    await other.define('order', { type: 'object', properties: { title: { type: 'string' } } });
    const asked = [without, suspended, other, untold, tenants[0] as TestTenant];
    const grant = await makeGrant(ann, asked);
    await ann('patch', `/api/v1/tenants/${suspended.id}`).send({ status: 'suspended' }).expect(200);
    await test.database.admin(
      `create function public.untold() returns trigger language plpgsql as $$ begin if new.tenant_id = '${untold.id}' then raise 'disk full'; end if; return new; end $$`,
    );
    await test.database.admin(
      'create trigger untold before insert on audit.events for each row execute function public.untold()',
    );
    const all = await lines(grant, { entity: 'order', query: 'select=number' }).finally(() =>
      test.database.admin('drop trigger untold on audit.events'),
    );
    const problems = asked.map((tenant) =>
      of(all, 'error', tenant)
        .map(({ problem }) => problem.type.split(':').at(-1))
        .join(),
    );
    expect(problems).toEqual(['entity/not-found', 'tenant/suspended', 'request/invalid-query', 'audit/unavailable', '']);
    expect(all.at(-1)).toMatchObject({ type: 'end', complete: true, done: 5, errors: 4, records: 3 });
    expect(of(all, 'tenant', untold)).toEqual([]);
    for (const parameter of ['after=', 'asOf=2020-01-01T00:00:00Z']) {
      const refused = await lines(grant, { entity: 'order', query: parameter, tenants: [tenants[0]?.id] });
      expect(of(refused, 'error')[0]?.problem.type).toBe('urn:bss:problem:request/invalid-query');
    }
  });
});

describe('a stream of many records', () => {
  const COUNT = 12_000;
  let large: TestTenant;

  beforeAll(async () => {
    large = await test.tenant();
    await large.define('customer', CUSTOMER);
    await large.define('order', ORDER);
    await test.database.admin(
      `insert into "${large.schemaName}"."order" (tenant_id, id, number, title, created_at, updated_at, created_by, updated_by, revision)
       select '${large.id}', gen_random_uuid(), n, repeat('x', 2000), now(), now(), 'x', 'x', 1 from generate_series(1, ${COUNT}) as n`,
    );
  });

  const binds = () => tap.messages.filter(({ type }) => type === 'B').length;

  it('has each of them once, in the order that was asked for', async () => {
    const all = await lines(await makeGrant(ann, [large]), { entity: 'order', query: 'select=number&order=number.desc' });
    expect(of(all, 'record').map(({ record }) => record.number)).toEqual(Array.from({ length: COUNT }, (_, n) => COUNT - n));
    expect(all.at(-1)).toMatchObject({ complete: true, records: COUNT });
  });

  it('waits for a client that takes nothing, with no connection in hand, and ends when the client goes', async () => {
    const grant = await makeGrant(ann, [large, tenants[0] as TestTenant]);
    const start = binds();
    const answer = await opened(grant, { entity: 'order', tenants: [large.id, tenants[0]?.id], concurrency: 1 });
    const before = (await crossings(tenants[0] as TestTenant)).length;
    await once(answer, 'readable');
    let last = -1;
    await eventually(async () => {
      const now = binds();
      const isStill = now === last;
      last = now;
      await pause(500);
      return isStill;
    });
    const { rows } = await test.database.admin(
      `select count(*)::int as n from pg_stat_activity where datname = $1 and usename = 'bss_app_00' and state <> 'idle'`,
      [test.database.name],
    );
    expect(rows).toEqual([{ n: 0 }]);
    answer.destroy();
    await pause(2_000);
    // Of 120 pages and more some are in the buffers of both sockets, and whose turn was next was not asked.
    expect(binds() - last).toBeLessThan(5);
    expect(last - start).toBeLessThan(150);
    expect(await crossings(tenants[0] as TestTenant)).toHaveLength(before);
  });
});

describe('a stream whose grant ends', () => {
  it('ends within 5 seconds of a revocation with a line that says why, though a tenant does not answer', async () => {
    const grant = await makeGrant(ann, tenants);
    await whileLocked(tenants[0] as TestTenant, async () => {
      const answer = await opened(grant, { entity: 'order', tenants: tenants.map(({ id }) => id), concurrency: 1 });
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      await eventually(() => text.includes('"type":"tenant"'));
      await pause(2_000);
      expect(text).not.toContain('"type":"end"');
      const revoked = Date.now();
      await bob('delete', `/api/v1/grants/${grant.id}`).expect(204);
      await once(answer, 'end');
      expect(Date.now() - revoked).toBeLessThan(5_000);
      const last = linesOf(text).at(-1);
      expect(last).toMatchObject({
        type: 'end',
        complete: false,
        done: 0,
        problem: { type: 'urn:bss:problem:auth/grant-refused' },
      });
    });
    // Who was not asked by then was not told either.
    const { rows } = await test.database.admin(
      `select count(*)::int as n from audit.events where action = 'access.crossed' and body::json->'detail'->>'grant' = $1`,
      [grant.id],
    );
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('ends when it expires, by the clock of the database', async () => {
    const grant = await makeGrant(ann, tenants);
    await whileLocked(tenants[0] as TestTenant, async () => {
      const answer = await opened(grant, { entity: 'order', tenants: [tenants[0]?.id] });
      await letExpire(test, grant);
      let text = '';
      for await (const chunk of answer) text += chunk;
      expect(linesOf(text).at(-1)).toMatchObject({
        complete: false,
        problem: { detail: expect.stringContaining('expired') },
      });
    });
  });
});
