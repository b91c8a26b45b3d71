/** What becomes of events whose receiver fails, is slow, is gone, or of a service that is killed: nothing is lost, nobody else waits. */

import { uuidV7 } from '../../src/platform/uuid.js';
import type { RunningService } from '../../src/start.js';
import { eventually } from '../harness/eventually.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { startWebhookReceiver, type WebhookReceiver } from '../harness/webhook-receiver.js';

jest.setTimeout(90_000);

const NOTE = { type: 'object', properties: { title: { type: 'string' } }, additionalProperties: false };

type Call = Awaited<ReturnType<TestTenant['as']>>;

interface Delivery {
  readonly id: string;
  readonly seq: number;
  readonly status: string;
  readonly nextAttemptAt: string | null;
  readonly attempts: { status: number | null; error: string | null; ms: number; at: string }[];
}

let test: TestService;
let second: RunningService;
let tenant: TestTenant;
let admin: Call;
const receivers: WebhookReceiver[] = [];

beforeAll(async () => {
  test = await startTestService({ WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' });
  second = await test.another();
});

beforeEach(async () => {
  tenant = await test.tenant();
  await tenant.define('note', NOTE);
  admin = await tenant.as();
});

afterAll(async () => {
  await second.stop();
  await test.stop();
  for (const receiver of receivers) await receiver.close();
});

async function receiver(headers?: Record<string, string>): Promise<WebhookReceiver> {
  const made = await startWebhookReceiver(headers);
  receivers.push(made);
  return made;
}

async function make(url: string, call = admin, body: object = {}): Promise<string> {
  const made = await call('post', '/webhooks').send({ url, ...body });
  if (made.status !== 201) throw new Error(`${made.status} ${made.text}`);
  return made.body.id;
}

async function notes(titles: readonly string[], call = admin): Promise<void> {
  await call('post', '/records/note')
    .send(titles.map((title) => ({ title })))
    .expect(201);
}

const deliveries = async (id: string, query = ''): Promise<Delivery[]> =>
  (await admin('get', `/webhooks/${id}/deliveries${query}`).expect(200)).body.items;
const webhook = async (id: string, call = admin) => (await call('get', `/webhooks/${id}`).expect(200)).body;

/** What waits, waits no longer; a day passes for nobody. */
async function hurry(id: string): Promise<void> {
  await test.database.admin(
    'update business_store_service.webhook_deliveries set next_at = now() where webhook_id = $1 and next_at is not null',
    [id],
  );
  await test.database.admin(
    `update business_store_service.webhooks as w
     set resume_at = null,
       retry_at = (select min(next_at) from business_store_service.webhook_deliveries as d where d.webhook_id = w.webhook_id)
     where webhook_id = $1`,
    [id],
  );
}

describe('a delivery that fails', () => {
  it('is tried again with the same id, and holds up no later one', async () => {
    const there = await receiver();
    const failing = new Set<string>();
    there.mood = ({ event }) => {
      if (failing.size === 0) failing.add(event.id);
      return failing.has(event.id) ? 503 : 204;
    };
    const id = await make(there.url);
    await notes(['one', 'two', 'three']);
    await eventually(() => there.ids().length === 2);
    const [failed] = [...failing];
    await eventually(async () => (await deliveries(id)).length === 3);
    const [waiting] = await deliveries(id, '?status=waiting');
    expect(waiting).toMatchObject({ id: failed, status: 'waiting', attempts: [{ status: 503, error: 'status' }] });
    there.mood = 204;
    await hurry(id);
    await eventually(async () => (await deliveries(id, '?status=delivered')).length === 3);
    const again = there.received.filter(({ event }) => event.id === failed);
    expect(again.map(({ headers }) => headers['webhook-id'])).toEqual([failed, failed]);
    const [, after] = (await deliveries(id)).find((one) => one.id === failed)?.attempts ?? [];
    expect(after).toMatchObject({ status: 204, error: null });
  });

  it('is a dead letter after the twelfth attempt, is listed, and can be sent once more', async () => {
    const there = await receiver();
    there.mood = 500;
    const id = await make(there.url);
    await notes(['one']);
    const attempts = async () => (await deliveries(id))[0]?.attempts.length ?? 0;
    for (let n = 1; n <= 12; n++) {
      await eventually(async () => (await attempts()) >= n);
      await hurry(id);
    }
    const [dead] = await deliveries(id, '?status=dead');
    expect(dead).toMatchObject({ status: 'dead', nextAttemptAt: null });
    expect([dead?.attempts.length, there.received.length]).toEqual([12, 12]);
    there.mood = 204;
    const retried = await admin('post', `/webhooks/${id}/deliveries/${dead?.id}/retry`).expect(202);
    expect(retried.body).toMatchObject({ id: dead?.id, status: 'waiting' });
    await eventually(async () => (await deliveries(id))[0]?.status === 'delivered');
    expect(there.received).toHaveLength(13);
  });

  it('tells a status or a kind of fault and a time, never what the receiver said', async () => {
    const there = await receiver({ 'x-canary': 'canary', 'retry-after': '1' });
    there.mood = 500;
    const [id, dead] = [await make(there.url), await make('http://127.0.0.1:1/')];
    await notes(['one']);
    await eventually(async () => (await deliveries(id)).length + (await deliveries(dead)).length === 2);
    const [answered] = await deliveries(id);
    const [unreachable] = await deliveries(dead);
    expect(Object.keys(answered?.attempts[0] ?? {}).sort()).toEqual(['at', 'error', 'ms', 'status']);
    expect(unreachable?.attempts[0]).toMatchObject({ status: null, error: 'connect' });
    const { rows } = await test.database.admin('select d::text from business_store_service.webhook_deliveries as d');
    expect(JSON.stringify(rows)).not.toMatch(/canary|receiver says/);
  });

  it('of another webhook, another tenant or nobody cannot be sent again', async () => {
    const there = await receiver();
    const [id, other] = [await make(there.url), await make(there.url, admin, { events: ['entity.*'] })];
    await notes(['one']);
    await eventually(async () => (await deliveries(id))[0]?.status === 'delivered');
    const [{ id: delivery } = { id: '' }] = await deliveries(id);
    for (const path of [`/webhooks/${other}/deliveries/${delivery}/retry`, `/webhooks/${id}/deliveries/${uuidV7()}/retry`]) {
      expect(refusal(await admin('post', path))).toBe('404 webhook/delivery-not-found');
    }
    const foreign = await (await test.tenant()).as();
    expect(refusal(await foreign('post', `/webhooks/${id}/deliveries/${delivery}/retry`))).toBe('404 webhook/not-found');
    await admin('patch', `/webhooks/${id}`).send({ enabled: false }).expect(200);
    expect(refusal(await admin('post', `/webhooks/${id}/deliveries/${delivery}/retry`))).toBe('409 webhook/disabled');
  });
});

describe('a receiver that is down', () => {
  it('is left alone after some failures, and gets everything once it is back: nothing of it has become a dead letter', async () => {
    const there = await receiver();
    there.mood = 500;
    const id = await make(there.url);
    await notes(Array.from({ length: 60 }, (_, n) => `note ${n}`));
    await eventually(async () => (await webhook(id)).pausedUntil !== null);
    // Those that were under way when it was enough.
    expect(there.received.length).toBeLessThanOrEqual(5 + 8);
    await notes(['one more']);
    there.mood = 204;
    await hurry(id);
    await eventually(() => there.ids().length === 61);
    await eventually(
      async () => (await webhook(id)).failures === 0 && (await deliveries(id, '?status=delivered&limit=200')).length === 61,
    );
    expect(await deliveries(id, '?status=dead')).toEqual([]);
  });

  it('is disabled when it is gone, or has failed for five days, and its tenant is told', async () => {
    const [gone, failing] = [await receiver(), await receiver()];
    gone.mood = 410;
    failing.mood = 500;
    const ids = [await make(gone.url), await make(failing.url)];
    await notes(['one']);
    await eventually(async () => !(await webhook(ids[0] as string)).enabled && (await webhook(ids[1] as string)).failures > 0);
    await test.database.admin(
      `update business_store_service.webhooks set failing_since = now() - interval '6 days' where webhook_id = $1`,
      [ids[1]],
    );
    await hurry(ids[1] as string);
    await eventually(async () => !(await webhook(ids[1] as string)).enabled);
    const { items } = (await admin('get', '/audit?action=webhook.disabled')).body;
    expect(items.map(({ actor, detail }: { actor: string; detail: object }) => [actor, detail])).toEqual([
      ['business-store', expect.objectContaining({ webhook: ids[1], reason: 'it failed for five days' })],
      ['business-store', expect.objectContaining({ webhook: ids[0], reason: 'it answered 410: gone' })],
    ]);
    const before = gone.received.length;
    await notes(['while it is disabled']);
    gone.mood = 204;
    const enabled = (await admin('patch', `/webhooks/${ids[0]}`).send({ enabled: true }).expect(200)).body;
    expect(enabled).toMatchObject({ enabled: true, disabledAt: null, disabledReason: null, failures: 0 });
    await eventually(async () => (await webhook(ids[0] as string)).sentSeq >= enabled.sentSeq);
    await notes(['from now on']);
    await eventually(() => gone.received.length > before);
  });

  it('that asks for patience is not asked before', async () => {
    const there = await receiver({ 'retry-after': '600' });
    there.mood = 429;
    const id = await make(there.url);
    await notes(['one']);
    await eventually(async () => (await deliveries(id)).length === 1);
    const [{ nextAttemptAt } = { nextAttemptAt: null }] = await deliveries(id);
    expect(Date.parse(nextAttemptAt ?? '') - Date.now()).toBeGreaterThan(500_000);
    expect(Date.parse((await webhook(id)).pausedUntil) - Date.now()).toBeGreaterThan(500_000);
    await notes(['two']);
    const witness = await receiver();
    await make(witness.url);
    await notes(['three']);
    await eventually(() => witness.ids().length >= 1);
    expect(there.received).toHaveLength(1);
  });
});

describe('a receiver that is slow', () => {
  it('keeps no receiver of another tenant waiting, and none of its own tenant', async () => {
    const slow = await receiver();
    slow.mood = 'hang';
    for (let n = 0; n < 3; n++) await make(slow.url);
    const quick = await receiver();
    await make(quick.url);
    const other = await test.tenant();
    await other.define('note', NOTE);
    const call = await other.as();
    const theirs = await receiver();
    await make(theirs.url, call);
    await notes(Array.from({ length: 50 }, (_, n) => `note ${n}`));
    await eventually(() => slow.received.length >= 8);
    const started = Date.now();
    await notes(['quick'], call);
    await eventually(() => theirs.ids().length === 1 && quick.ids().length === 50);
    // A hanging request takes ten seconds.
    expect(Date.now() - started).toBeLessThan(8_000);
    expect(slow.ids()).toEqual([]);
  });
});

describe('a replay', () => {
  it('sends what was, in the same ids, from a number or a time, and tells how far it is', async () => {
    await notes(['one', 'two', 'three']);
    const there = await receiver();
    const id = await make(there.url, admin, { enabled: false });
    expect(refusal(await admin('post', `/webhooks/${id}/replay`).send({ fromSeq: 1 }))).toBe('409 webhook/disabled');
    await eventually(async () => (await sealedSeqs()).length >= 5);
    await admin('patch', `/webhooks/${id}`).send({ enabled: true }).expect(200);
    const wrong: [object, string][] = [
      [{}, '/fromSeq isInt'],
      [{ fromSeq: 0 }, '/fromSeq min'],
      [{ fromSeq: 1_000 }, '/fromSeq range'],
      [{ fromSeq: 3, toSeq: 2 }, '/fromSeq range'],
      [{ from: 'yesterday' }, '/from isIso8601'],
      [{ from: '2999-01-01T00:00:00Z' }, '/from range'],
    ];
    for (const [body, fault] of wrong)
      expect(faultsOf(await admin('post', `/webhooks/${id}/replay`).send(body))).toContain(fault);
    const recorded = (await admin('get', '/audit?action=record.created')).body.items.map((item: { id: string }) => item.id);
    const started = (await admin('post', `/webhooks/${id}/replay`).send({ fromSeq: 1 }).expect(202)).body.replay;
    expect(started).toMatchObject({ fromSeq: 1, finished: false });
    await eventually(async () => (await webhook(id)).replay.finished);
    expect(there.ids().sort()).toEqual(recorded.sort());
    const seqs = await sealedSeqs();
    const third = (await deliveries(id)).sort((a, b) => a.seq - b.seq)[2] as Delivery;
    await admin('post', `/webhooks/${id}/replay`)
      .send({ from: seqs.find(({ seq }) => seq === third.seq)?.sealedAt })
      .expect(202);
    await eventually(async () => (await webhook(id)).replay.finished);
    await admin('post', `/webhooks/${id}/replay`).send({ fromSeq: third.seq, toSeq: third.seq }).expect(202);
    await eventually(async () => (await webhook(id)).replay.finished);
    await eventually(() => there.received.filter(({ event }) => event.id === third.id).length === 3);
    const trail = (await admin('get', '/audit?action=webhook.replayed&limit=1')).body.items[0];
    expect(trail.detail).toEqual({ webhook: id, fromSeq: third.seq, toSeq: third.seq });
  });

  it('is one at a time', async () => {
    await notes(Array.from({ length: 100 }, (_, n) => `note ${n}`));
    await eventually(async () => (await sealedSeqs()).length >= 100);
    const there = await receiver();
    there.mood = [204, 300];
    const id = await make(there.url);
    await admin('post', `/webhooks/${id}/replay`).send({ fromSeq: 1 }).expect(202);
    expect(refusal(await admin('post', `/webhooks/${id}/replay`).send({ fromSeq: 1 }))).toBe('409 webhook/busy');
    await eventually(async () => (await webhook(id)).replay.finished);
    expect(there.ids()).toHaveLength(100);
    await admin('post', `/webhooks/${id}/replay`).send({ fromSeq: 1, toSeq: 2 }).expect(202);
  });
});

describe('two instances', () => {
  it('do not send the same event twice', async () => {
    const there = await receiver();
    there.mood = [204, 5];
    const ids = [await make(there.url), await make(there.url), await make(there.url)];
    for (let n = 0; n < 10; n++) await notes(Array.from({ length: 30 }, (_, k) => `${n} ${k}`));
    await eventually(async () => {
      const counts = await Promise.all(ids.map(async (id) => (await deliveriesOf(id)).length));
      return counts.every((count) => count === 300);
    });
    expect(there.received).toHaveLength(900);
  });
});

describe('a service that stops', () => {
  it('leaves what was under way to the others, at once and without a failure', async () => {
    const third = await test.another();
    await second.stop();
    const there = await receiver();
    there.mood = [204, 200];
    const id = await make(there.url);
    await notes(Array.from({ length: 100 }, (_, n) => `note ${n}`));
    await eventually(() => there.received.length > 8);
    await third.stop();
    second = await test.another();
    await eventually(() => there.ids().length === 100);
    expect((await deliveriesOf(id)).every(({ status }) => status === 'delivered')).toBe(true);
  });
});

describe('metrics', () => {
  it('count deliveries and name no tenant', async () => {
    const there = await receiver();
    await make(there.url);
    await notes(['one']);
    await eventually(() => there.received.length === 1);
    const texts = await Promise.all([test.service, second].map(async ({ url }) => (await fetch(`${url}/metrics`)).text()));
    for (const text of texts) {
      expect(text).toMatch(/webhook_deliveries_total\{outcome="delivered"\} \d+/);
      expect(text).toMatch(/webhook_delivery_duration_seconds_bucket/);
      expect(text).not.toContain(tenant.id);
    }
  });
});

async function deliveriesOf(id: string): Promise<{ status: string }[]> {
  return (await test.database.admin('select status from business_store_service.webhook_deliveries where webhook_id = $1', [id]))
    .rows;
}

async function sealedSeqs(): Promise<{ seq: number; sealedAt: string }[]> {
  const { rows } = await test.database.admin(
    `select seq::integer, to_json(sealed_at at time zone 'UTC') #>> '{}' || 'Z' as "sealedAt" from audit.chain where tenant_id = $1 order by seq`,
    [tenant.id],
  );
  return rows;
}
