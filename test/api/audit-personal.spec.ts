/** Values that are about a person: the trail holds commitments to them, opens them for whom may read them, and forgets them on demand. */

import { createHash } from 'node:crypto';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

const PERSON = {
  type: 'object',
  additionalProperties: false,
  required: ['number'],
  softDelete: true,
  history: 'full',
  properties: {
    number: { type: 'integer', unique: true },
    email: { type: 'string', pii: 'email' },
    address: { type: 'object', pii: true },
    status: { type: 'string' },
    boss: { type: 'string', format: 'uuid', relation: { entity: 'person', onDelete: 'cascade' } },
    deputy: { type: 'string', format: 'uuid', relation: { entity: 'person', onDelete: 'setNull' } },
  },
};

interface Item {
  readonly action: string;
  readonly entity: string | null;
  readonly recordId: string;
  readonly before?: Record<string, unknown>;
  readonly after?: Record<string, unknown>;
  readonly detail?: Record<string, unknown>;
  readonly redacted?: string[];
}

interface EventRow {
  readonly record_id: string;
  readonly action: string;
  readonly body: string;
  readonly openings: string | null;
}

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  await tenant.define('person', PERSON);
  call = await tenant.as();
});

afterAll(() => test.stop());

let numbers = 0;
const person = (rest: object = {}) => ({ number: ++numbers, email: `canary-${numbers}@example.com`, status: 'new', ...rest });

async function insert(rest: object = {}): Promise<{ id: string; email: string; number: number }> {
  return (await call('post', '/records/person').send(person(rest)).expect(201)).body;
}

async function stored(of = tenant): Promise<EventRow[]> {
  const { rows } = await test.database.admin(
    `select record_id, action, body, openings
    from audit.events
    where tenant_id = $1 and entity = 'person' and action like 'record.%'
    order by event_id`,
    [of.id],
  );
  return rows;
}

async function trail(role: 'admin' | 'auditor', recordId: string): Promise<Item[]> {
  return (await (await tenant.as(role))('get', `/audit?entity=person&recordId=${recordId}`).expect(200)).body.items;
}

const COMMITMENT = { commitment: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) };

describe('an event of a record with personal values', () => {
  it('is hashed over commitments alone, whichever way the record is written', async () => {
    const one = await insert({ address: { street: 'canary street' } });
    const many = await call('post', '/records/person').send([person(), person({ boss: one.id })]);
    expect(many.status).toBe(201);
    await insert({ deputy: one.id });
    await call('patch', `/records/person/${one.id}`).send({ email: 'canary-b@example.com' }).expect(200);
    await call('put', `/records/person/${one.id}`).send({ number: one.number, email: 'canary-c@example.com' }).expect(200);
    await call('patch', `/records/person?number=eq.${one.number}`).send({ email: 'canary-d@example.com' }).expect(200);
    await call('put', `/records/person?number=eq.${one.number}`)
      .send({ number: one.number, email: 'canary-e@example.com' })
      .expect(200);
    const merge = { prefer: 'resolution=merge-duplicates' };
    await call('post', '/records/person?on_conflict=number').set(merge).send(person()).expect(201);
    const both = [{ number: one.number, email: 'canary-f@example.com' }, person()];
    await call('post', '/records/person?on_conflict=number').set(merge).send(both).expect(201);
    const file = await call('post', '/imports/person')
      .set('content-type', 'application/x-ndjson')
      .send(`${JSON.stringify(person())}\n`);
    expect(file.body).toMatchObject({ stored: 1 });
    await call('delete', `/records/person/${one.id}`).expect(204);
    await call('post', `/deleted/person/${one.id}/restore`).expect(200);
    await call('delete', `/records/person?number=eq.${one.number}`).expect(204);

    const events = await stored();
    expect(new Set(events.map(({ action }) => action))).toEqual(
      new Set(['record.created', 'record.updated', 'record.deleted', 'record.restored']),
    );
    for (const { body } of events) expect(body).not.toContain('canary');
    for (const { body, openings } of events) {
      const sides = JSON.parse(body) as Record<string, Record<string, unknown>>;
      const places = Object.entries(sides).flatMap(([side, content]) =>
        ['email', 'address'].filter((name) => name in content).map((name) => `/${side}/${name}`),
      );
      expect(Object.keys(JSON.parse(openings ?? '{}')).sort()).toEqual(places.sort());
    }
  });

  it('can be opened by whoever knows salt and value, and by nobody who guesses the value', async () => {
    const { id, email } = await insert();
    const [event] = (await stored()).filter(({ record_id }) => record_id === id) as [EventRow];
    const { commitment } = JSON.parse(event.body).after.email;
    const [salt, value] = JSON.parse(event.openings as string)['/after/email'];
    const digest = (bytes: Buffer) =>
      `sha256:${createHash('sha256').update('bss:commitment:1').update(bytes).update(JSON.stringify(email)).digest('hex')}`;
    expect(value).toBe(email);
    expect(digest(Buffer.from(salt, 'base64url'))).toBe(commitment);
    expect(digest(Buffer.alloc(16))).not.toBe(commitment);
  });

  it('tells by equal commitments that a value stayed, and by different ones nothing', async () => {
    const { id } = await insert({ email: 'same@example.com' });
    await insert({ email: 'same@example.com' });
    await call('patch', `/records/person/${id}`).send({ status: 'old' }).expect(200);
    const bodies = (await stored()).map(({ body }) => JSON.parse(body));
    expect(bodies[0].after.email).not.toEqual(bodies[1].after.email);
    expect(bodies[2].before.email).toEqual(bodies[2].after.email);
    expect(bodies[2].before.status).toBe('new');
  });

  it('holds nothing to open where the entity has nothing personal', async () => {
    await tenant.define('thing', { type: 'object', properties: { name: { type: 'string' } } });
    await call('post', '/records/thing').send({ name: 'lamp' }).expect(201);
    const { rows } = await test.database.admin(
      `select body, openings from audit.events where tenant_id = $1 and entity = 'thing'`,
      [tenant.id],
    );
    expect(rows.at(-1)).toEqual({ body: '{"after":{"name":"lamp"}}', openings: null });
  });
});

describe('the trail', () => {
  it('shows an auditor what it sees of records, and an admin the values', async () => {
    const { id, email, number } = await insert({ address: { street: 'here' } });
    const content = { number, status: 'new' };
    const kept = { email: '[redacted]', address: '[redacted]' };
    expect(await trail('auditor', id)).toMatchObject([{ after: { ...content, ...kept } }]);
    expect(await trail('admin', id)).toMatchObject([{ after: { ...content, email, address: { street: 'here' } } }]);
  });

  it('leaves out what the roles of its reader may not read of records, and names it', async () => {
    await tenant.define('pay', {
      type: 'object',
      properties: { month: { type: 'string' }, salary: { type: 'integer', access: { read: ['payroll'] } } },
    });
    const { id } = (await call('post', '/records/pay').send({ month: '2026-11', salary: 4711 }).expect(201)).body;
    const { text, body } = await call('get', `/audit?entity=pay&recordId=${id}`);
    expect(text).not.toContain('4711');
    expect(body.items).toMatchObject([{ after: { month: '2026-11' }, redacted: ['salary'] }]);
  });

  it('shows what an entity held that is gone to admins alone', async () => {
    const { id, number } = await insert();
    await call('delete', '/entities/person?allow=destructive').expect(204);
    expect((await trail('auditor', id))[0]).toMatchObject({ redacted: ['*'] });
    expect((await trail('auditor', id))[0]).not.toHaveProperty('after');
    expect((await trail('admin', id))[0]).toMatchObject({ after: { number } });
  });
});

describe('an erasure', () => {
  const because = { entity: 'person', reason: 'request of the person' };

  it('is refused to everybody but admins, to API keys, and without a reason', async () => {
    const { id } = await insert();
    for (const role of ['viewer', 'editor', 'auditor', 'service'] as const) {
      const refused = await (await tenant.as(role))('post', '/audit/erasures').send({ ...because, recordId: id });
      expect(refused.status).toBe(403);
    }
    await call('post', '/audit/erasures').send({ entity: 'person', recordId: id }).expect(422);
    const { key } = (
      await call('post', '/api-keys')
        .send({ name: 'k', roles: ['admin'] })
        .expect(201)
    ).body;
    await test
      .request(key, 'post', `/api/v1/tenants/${tenant.id}/audit/erasures`)
      .send({ ...because, recordId: id })
      .expect(403);
    expect((await stored())[0]?.openings).not.toBeNull();
  });

  it('says beforehand what it would erase, and then leaves commitments that nobody opens', async () => {
    const { id, email } = await insert();
    const other = await insert();
    await call('patch', `/records/person/${id}`).send({ status: 'old' }).expect(200);
    const dry = await call('post', '/audit/erasures').send({ ...because, recordId: id, dryRun: true });
    expect(dry.body).toMatchObject({ events: 2, dryRun: true });
    expect(JSON.stringify(await trail('admin', id))).toContain(email);

    const before = (await stored()).map(({ body }) => body);
    const done = await call('post', '/audit/erasures').send({ ...because, recordId: id });
    expect(done.body).toMatchObject({ events: 2, dryRun: false });
    expect(done.body.elsewhere.map(({ path }: { path?: string }) => path)).toContain(
      `/api/v1/tenants/${tenant.id}/records/person/${id}/history`,
    );
    expect((await stored()).map(({ body }) => body)).toEqual(before);
    const [told, ...events] = await trail('admin', id);
    expect(told).toMatchObject({ action: 'audit.erased', detail: { events: 2, reason: because.reason } });
    expect(events).toMatchObject([{ after: { email: COMMITMENT } }, { after: { email: COMMITMENT } }]);
    expect(await trail('admin', other.id)).toMatchObject([{ after: { email: other.email } }]);
    expect((await call('post', '/audit/erasures').send({ ...because, recordId: id })).body.events).toBe(0);
  });

  it("reaches no other tenant's events, whatever id it is given", async () => {
    const { id } = await insert();
    const stranger = await test.tenant();
    await stranger.define('person', PERSON);
    const erased = await (await stranger.as())('post', '/audit/erasures').send({ ...because, recordId: id });
    expect(erased.body).toMatchObject({ events: 0 });
    expect((await stored())[0]?.openings).not.toBeNull();
  });
});
