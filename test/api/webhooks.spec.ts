/** Webhooks: who may have them, what they are sent, and that nobody else's events are among it. */

import { uuidV7 } from '../../src/platform/uuid.js';
import { eventually } from '../harness/eventually.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { startWebhookReceiver, verified, type WebhookReceiver } from '../harness/webhook-receiver.js';

jest.setTimeout(60_000);

const NOTE = {
  type: 'object',
  properties: { title: { type: 'string' }, size: { type: 'integer' } },
  additionalProperties: false,
};

interface Made {
  readonly id: string;
  readonly secret: string;
}

let test: TestService;
let tenant: TestTenant;
let admin: Awaited<ReturnType<TestTenant['as']>>;
const receivers: WebhookReceiver[] = [];

beforeAll(async () => {
  test = await startTestService({ WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' });
  tenant = await test.tenant();
  await tenant.define('note', NOTE);
  await tenant.define('other', NOTE);
  admin = await tenant.as();
});

afterAll(async () => {
  await test.stop();
  for (const receiver of receivers) await receiver.close();
});

afterEach(async () => {
  for (const { id } of (await admin('get', '/webhooks')).body.items) await admin('delete', `/webhooks/${id}`).expect(204);
});

async function receiver(headers?: Record<string, string>): Promise<WebhookReceiver> {
  const made = await startWebhookReceiver(headers);
  receivers.push(made);
  return made;
}

async function make(body: object, call = admin): Promise<Made> {
  const made = await call('post', '/webhooks').send(body);
  if (made.status !== 201) throw new Error(`${made.status} ${made.text}`);
  return made.body;
}

async function note(title: string, call = admin, entity = 'note'): Promise<{ id: string }> {
  return (await call('post', `/records/${entity}`).send({ title }).expect(201)).body;
}

describe('a webhook', () => {
  it('to what is not public https is not made, unless the network is allowed', async () => {
    const { service: strict, ...other } = await startTestService();
    try {
      const there = await other.tenant();
      const call = await there.as();
      for (const url of [
        'http://127.0.0.1/',
        'https://127.0.0.1/',
        'https://[::1]/',
        'http://example.com/',
        'https://me@example.com/',
      ]) {
        expect([url, faultsOf(await call('post', '/webhooks').send({ url }))]).toEqual([url, ['/url url']]);
      }
      await call('post', '/webhooks').send({ url: 'https://example.com/' }).expect(201);
    } finally {
      await other.stop();
    }
    expect(strict.url).toBeTruthy();
    for (const url of ['http://10.0.0.1/', 'http://169.254.169.254/', 'ftp://127.0.0.1/', 'x']) {
      expect([url, faultsOf(await admin('post', '/webhooks').send({ url }))]).toEqual([url, ['/url url']]);
    }
  });

  it('of a wrong shape is refused by each of its faults', async () => {
    const url = 'http://127.0.0.1:9/';
    const wrong: [object, string[]][] = [
      [{}, ['/url isString', '/url isLength']],
      [{ url, events: [] }, ['/events arrayMinSize']],
      [{ url, events: ['record.create'] }, ['/events event']],
      [{ url, events: ['nothing.*'] }, ['/events event']],
      [{ url, events: ['*.created'] }, ['/events event']],
      [{ url, events: ['constructor'] }, ['/events event']],
      [{ url, entities: ['note', 'nobody'] }, ['/entities/1 entity']],
      [{ url, include: 'everything' }, ['/include isIn']],
      [{ url, secret: 'whsec_x' }, ['/secret whitelistValidation']],
      [{ url, description: 'a\u0007' }, ['/description matches']],
      [{ url, enabled: null }, ['/enabled isBoolean']],
    ];
    for (const [body, faults] of wrong)
      expect(faultsOf(await admin('post', '/webhooks').send(body)).sort()).toEqual(faults.sort());
    expect((await admin('get', '/webhooks')).body.items).toEqual([]);
  });

  it('is one of twenty at most, however many are asked for at once', async () => {
    const body = { url: 'http://127.0.0.1:9/' };
    for (let n = 0; n < 18; n++) await make(body);
    const made = await Promise.all([1, 2, 3, 4, 5].map(() => admin('post', '/webhooks').send(body)));
    expect(made.filter(({ status }) => status === 201)).toHaveLength(2);
    expect(new Set(made.filter(({ status }) => status !== 201).map(refusal))).toEqual(new Set(['409 webhook/too-many']));
  });

  it('shows its secret once, and neither lists, nor the trail, nor the database do', async () => {
    const { id, secret } = await make({ url: 'http://127.0.0.1:9/path?token=canary' });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const shown = [await admin('get', '/webhooks'), await admin('get', `/webhooks/${id}`), await admin('get', '/audit')];
    for (const { text } of shown) expect(text).not.toContain(secret.slice(6, 30));
    expect((await admin('get', '/audit?action=webhook.created')).text).not.toContain('canary');
    const { rows } = await test.database.admin('select * from business_store_service.webhooks where webhook_id = $1', [id]);
    const bytes = Buffer.from(secret.slice(6), 'base64');
    expect([rows[0].secret.includes(bytes), rows[0].secret.length]).toEqual([false, 1 + 12 + 32 + 16]);
  });

  it('is not there for whoever is not its tenant, nor for those who are no admin, nor for a key of one', async () => {
    const { id } = await make({ url: 'http://127.0.0.1:9/' });
    const foreign = await (await test.tenant()).as();
    expect(refusal(await foreign('get', `/webhooks/${id}`))).toBe('404 webhook/not-found');
    expect(refusal(await foreign('delete', `/webhooks/${id}`))).toBe('404 webhook/not-found');
    for (const role of ['viewer', 'editor', 'auditor', 'service'] as const) {
      expect(refusal(await (await tenant.as(role))('get', '/webhooks'))).toBe('403 auth/forbidden');
    }
    const { key } = (await admin('post', '/api-keys').send({ name: 'k', roles: ['admin'] })).body;
    expect(refusal(await test.request(key, 'get', `/api/v1/tenants/${tenant.id}/webhooks`))).toBe('403 auth/forbidden');
  });

  it('is changed in what is named, and each change is in the trail', async () => {
    const { id } = await make({ url: 'http://127.0.0.1:9/a', events: ['*'], entities: ['note'], description: 'one' });
    const { body } = await admin('patch', `/webhooks/${id}`).send({ description: 'two', entities: null, enabled: false });
    expect(body).toMatchObject({
      url: 'http://127.0.0.1:9/a',
      events: ['*'],
      entities: null,
      description: 'two',
      enabled: false,
    });
    expect(faultsOf(await admin('patch', `/webhooks/${id}`).send({ url: 'http://10.0.0.1/' }))).toEqual(['/url url']);
    expect(faultsOf(await admin('patch', `/webhooks/${id}`).send({ events: null }))).not.toEqual([]);
    await admin('post', `/webhooks/${id}/rotate`).send({}).expect(200);
    await admin('delete', `/webhooks/${id}`).expect(204);
    expect(refusal(await admin('delete', `/webhooks/${id}`))).toBe('404 webhook/not-found');
    const { items } = (await admin('get', '/audit?limit=4')).body;
    expect(items.map(({ action }: { action: string }) => action)).toEqual([
      ...['webhook.deleted', 'webhook.rotated', 'webhook.updated', 'webhook.created'],
    ]);
    expect(items[2]).toMatchObject({ before: { webhook: id, enabled: true, description: 'one' }, after: { enabled: false } });
  });

  it('is listed in pages', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push((await make({ url: `http://127.0.0.1:9/${n}` })).id);
    const first = (await admin('get', '/webhooks?limit=2')).body;
    const second = (await admin('get', `/webhooks?limit=2&after=${first.next}`)).body;
    expect([first.items, second.items].flat().map(({ id }: Made) => id)).toEqual(ids);
    expect(second.next).toBeNull();
  });
});

describe('an event', () => {
  it('is sent signed, in order, as a CloudEvent without values', async () => {
    const there = await receiver();
    const { secret } = await make({ url: there.url });
    const made = [await note('one'), await note('two')];
    await admin('patch', `/records/note/${made[0]?.id}`).send({ title: 'secret-three' }).expect(200);
    await eventually(() => there.received.length >= 3);
    const [first, second, third] = inOrder(there);
    expect([first, second, third].map((request) => request?.event.type)).toEqual([
      ...['business-store.record.created', 'business-store.record.created', 'business-store.record.updated'],
    ]);
    expect(third?.text).not.toContain('secret-three');
    expect(third?.event.data).toMatchObject({ actor: 'admin@test', entity: 'note', recordId: made[0]?.id, changed: ['title'] });
    expect(first?.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
    expect(first?.headers['webhook-id']).toBe(first?.event.id);
    for (const request of there.received) expect(verified(request, secret)).toMatchObject({ tenantid: tenant.id });
    const [event] = (await admin('get', '/audit?action=record.updated&limit=1')).body.items;
    expect(third?.event).toMatchObject({ id: event.id, time: event.time, sequence: String(Number(first?.event.sequence) + 2) });
  });

  it('is sent with its values to those who ask for them', async () => {
    const there = await receiver();
    await make({ url: there.url, include: 'full' });
    const { id } = await note('before');
    await admin('patch', `/records/note/${id}`).send({ title: 'after' }).expect(200);
    await eventually(() => there.received.length >= 2);
    expect(inOrder(there)[1]?.event.data).toMatchObject({ before: { title: 'before' }, after: { title: 'after' } });
  });

  it('that was not asked for is not sent', async () => {
    const [created, others, all] = [await receiver(), await receiver(), await receiver()];
    await sealed(tenant);
    await make({ url: created.url, events: ['record.created', 'entity.*'] });
    await make({ url: others.url, events: ['record.*'], entities: ['other'] });
    await make({ url: all.url, events: ['*'] });
    const { id } = await note('one');
    await admin('delete', `/records/note/${id}`).expect(204);
    await note('two', admin, 'other');
    await tenant.define('third', NOTE);
    await note('last', admin, 'other');
    const told = (there: WebhookReceiver) => types(there).filter((type) => !type.startsWith('webhook.'));
    await eventually(() => told(all).length >= 5 && created.received.length >= 4 && others.received.length >= 2);
    expect(types(created)).toEqual(['record.created', 'record.created', 'entity.defined', 'record.created']);
    expect(types(others)).toEqual(['record.created', 'record.created']);
    expect(told(all)).toEqual([...['record.created', 'record.deleted', 'record.created', 'entity.defined', 'record.created']]);
  });

  it('of another tenant is never sent, nor one from before the webhook', async () => {
    await note('before');
    const foreign = await test.tenant();
    await foreign.define('note', NOTE);
    const call = await foreign.as();
    const [own, theirs] = [await receiver(), await receiver()];
    await sealed(tenant);
    await make({ url: own.url, events: ['*'], include: 'full' });
    await make({ url: theirs.url, events: ['*'], include: 'full' }, call);
    for (let n = 0; n < 20; n++) {
      await note(`own ${n}`);
      await note(`theirs ${n}`, call);
    }
    await eventually(() => own.received.length >= 21 && theirs.received.length >= 21);
    for (const [there, id, words] of [
      [own, tenant.id, /theirs \d|before/],
      [theirs, foreign.id, /own \d/],
    ] as const) {
      expect(new Set(there.received.map(({ event }) => event.tenantid))).toEqual(new Set([id]));
      expect(there.received.map(({ text }) => text).join()).not.toMatch(words);
    }
  });

  it('of a tenant goes nowhere when a row of another tenant’s webhook is put among its own', async () => {
    const foreign = await test.tenant();
    const there = await receiver();
    await sealed(foreign);
    const { id } = await make({ url: there.url, events: ['*'] }, await foreign.as());
    await eventually(async () => (await (await foreign.as())('get', `/webhooks/${id}/deliveries`)).body.items.length === 1);
    await test.database.admin('delete from business_store_service.webhook_deliveries where webhook_id = $1', [id]);
    await test.database.admin('update business_store_service.webhooks set tenant_id = $2, sent_seq = 0 where webhook_id = $1', [
      id,
      tenant.id,
    ]);
    const paused = async () => (await admin('get', `/webhooks/${id}`)).body.pausedUntil !== null;
    await eventually(paused);
    expect(there.received).toHaveLength(1);
  });

  it('is not sent while the tenant is suspended', async () => {
    const there = await receiver();
    const lone = await test.tenant();
    await lone.define('note', NOTE);
    const call = await lone.as();
    await make({ url: there.url, events: ['record.*'] }, call);
    await note('one', call);
    await eventually(() => there.received.length === 1);
    there.mood = 500;
    await note('two', call);
    await eventually(() => there.received.length === 2);
    const system = await test.token(['system_admin']);
    const set = (status: string) => test.request(system, 'patch', `/api/v1/tenants/${lone.id}`).send({ status }).expect(200);
    await set('suspended');
    await test.database.admin(
      'update business_store_service.webhook_deliveries set next_at = now() where tenant_id = $1 and next_at is not null',
      [lone.id],
    );
    await test.database.admin('update business_store_service.webhooks set retry_at = now() where tenant_id = $1', [lone.id]);
    const witness = await receiver();
    await make({ url: witness.url });
    await note('witness');
    await eventually(() => witness.received.length === 1);
    expect(there.received).toHaveLength(2);
    there.mood = 204;
    await set('active');
    await eventually(() => there.received.length === 3);
  });
});

describe('a rotation', () => {
  it('signs with both secrets for a while, or with the new one alone', async () => {
    const there = await receiver();
    const { id, secret: former } = await make({ url: there.url });
    const rotate = async (body: object) => (await admin('post', `/webhooks/${id}/rotate`).send(body).expect(200)).body;
    const rotated = await rotate({});
    expect(rotated.formerSecretUntil).not.toBeNull();
    await note('one');
    await eventually(() => there.received.length === 1);
    const latest = () => there.received.at(-1) as (typeof there.received)[number];
    for (const secret of [former, rotated.secret]) expect(verified(latest(), secret)).toBeTruthy();
    const alone = await rotate({ overlapSeconds: 0 });
    expect(alone.formerSecretUntil).toBeNull();
    await note('two');
    await eventually(() => there.received.length === 2);
    expect(verified(latest(), alone.secret)).toBeTruthy();
    for (const secret of [former, rotated.secret]) expect(() => verified(latest(), secret)).toThrow('No matching signature');
  });
});

describe('a test', () => {
  it('sends an event now and tells a status and a time, and nothing that the receiver says', async () => {
    const there = await receiver({ 'x-canary': 'canary' });
    const { id, secret } = await make({ url: there.url, enabled: false });
    const ok = await admin('post', `/webhooks/${id}/test`).expect(200);
    expect(ok.body).toEqual({ delivered: true, status: 204, error: null, ms: expect.any(Number) });
    expect(verified(there.received[0] as never, secret)).toMatchObject({ type: 'business-store.webhook.test' });
    there.mood = 418;
    const bad = await admin('post', `/webhooks/${id}/test`).expect(200);
    expect(bad.body).toEqual({ delivered: false, status: 418, error: 'status', ms: expect.any(Number) });
    expect(bad.text + JSON.stringify(bad.headers)).not.toMatch(/canary|receiver says/);
    await there.close();
    const gone = await admin('post', `/webhooks/${id}/test`).expect(200);
    expect(gone.body).toMatchObject({ delivered: false, status: null, error: 'connect' });
    expect(refusal(await admin('post', `/webhooks/${uuidV7()}/test`))).toBe('404 webhook/not-found');
  });

  it('is one at a time', async () => {
    const there = await receiver();
    there.mood = [204, 500];
    const { id } = await make({ url: there.url });
    const answers = await Promise.all([1, 2, 3].map(() => admin('post', `/webhooks/${id}/test`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  });
});

describe('an installation without WEBHOOK_KEY', () => {
  it('makes none: 501', async () => {
    const without = await startTestService({ WEBHOOK_KEY: '' });
    try {
      const call = await (await without.tenant()).as();
      expect(refusal(await call('post', '/webhooks').send({ url: 'https://example.com/' }))).toBe('501 webhook/not-configured');
      expect((await call('get', '/webhooks')).body).toEqual({ items: [], next: null });
    } finally {
      await without.stop();
    }
  });
});

/** Events are begun in their order, and arrive as the network has it. */
function inOrder({ received }: WebhookReceiver) {
  return [...received].sort((a, b) => Number(a.event.sequence) - Number(b.event.sequence));
}

const types = (there: WebhookReceiver) => inOrder(there).map(({ event }) => event.type.replace('business-store.', ''));

/** A webhook is sent what is sealed from its making on, and that may have been done a moment before. */
async function sealed({ id }: TestTenant): Promise<void> {
  await eventually(async () => {
    const { rows } = await test.database.admin(
      `select (select count(*) from audit.chain where tenant_id = $1) = (select count(*) from audit.events where tenant_id = $1) as all`,
      [id],
    );
    return rows[0].all;
  });
}
