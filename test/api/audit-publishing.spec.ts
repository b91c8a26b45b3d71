/** Audit events leave the service as CloudEvents: at least once, in order within a tenant, whatever the sink does. */
import { setTimeout as wait } from 'node:timers/promises';
import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import { type EventSink, type Mood, startEventSink } from '../harness/event-sink.js';
import { eventually } from '../harness/eventually.js';
import { apiOf, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(60_000);

let around: Surroundings;
let sink: EventSink;
const services: RunningService[] = [];

beforeEach(async () => {
  around = await createSurroundings();
  sink = await startEventSink();
});

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
  await sink.close();
  await around.stop();
});

describe('published events', () => {
  it('are CloudEvents in batches, one of each change, definition and refusal, with who and what', async () => {
    const { tenant, call } = await tenantOn(await start());
    const { body } = await call('post', '/records/note').send({ title: 'one' });
    const viewer = await tenant.as('viewer');
    await viewer('delete', `/records/note/${body.id}`).set('x-request-id', 'denied');
    await complete();

    expect(sink.batches[0]?.contentType).toBe('application/cloudevents-batch+json');
    expect(sink.received.map(({ type }) => type)).toEqual([
      'business-store.tenant.created',
      'business-store.entity.defined',
      'business-store.record.created',
      'business-store.access.denied',
    ]);
    expect(sink.received[2]).toEqual({
      specversion: '1.0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      source: `urn:bss:tenant:${tenant.id}`,
      type: 'business-store.record.created',
      subject: `note/${body.id}`,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      datacontenttype: 'application/json',
      tenantid: tenant.id,
      data: { actor: 'admin@test', requestId: expect.any(String), after: { title: 'one' } },
    });
    expect(sink.received[3]?.data).toMatchObject({ actor: 'viewer@test', requestId: 'denied' });
  });

  it.each<[string, Mood[]]>([
    ['refuses them', ['refuse', 'refuse']],
    ['takes them and says it did not', ['swallow', 'refuse']],
    ['takes them and breaks the connection', ['drop']],
    ['wants them elsewhere', ['redirect']],
  ])(
    'are not lost on a sink that %s, and come in order',
    async (_name, moods) => {
      sink.moods.push(...moods);
      const { call } = await tenantOn(await start());
      await writeNotes(call, 20);
      await complete();
      expect(titlesInOrder()).toEqual([...Array(20).keys()].map((n) => `${n}`));
      const again = sink.received.length - new Set(sink.received.map(({ id }) => id)).size;
      // Whoever takes them twice can tell: they carry the same ids.
      expect(again > 0).toBe(moods.some((mood) => mood === 'swallow' || mood === 'drop'));
    },
    30_000,
  );

  it('wait for a sink that is down, and for a service that is restarted', async () => {
    await sink.close();
    const first = await start();
    const { call } = await tenantOn(first);
    await writeNotes(call, 3);
    await wait(1_200);
    await first.stop();
    sink = await startEventSink(Number(new URL(sink.url).port));
    await start();
    await complete();
    expect(titlesInOrder()).toEqual(['0', '1', '2']);
  });

  it('do not keep a stopping service from ending when the sink hangs', async () => {
    const service = await start();
    const { call } = await tenantOn(service);
    await complete();
    sink.moods.push('hang');
    await writeNotes(call, 1);
    await eventually(() => sink.moods.length === 0);
    const started = performance.now();
    await service.stop();
    expect(performance.now() - started).toBeLessThan(6_000);
    await start();
    await complete();
    expect(titlesInOrder()).toEqual(['0']);
  });
});

describe('two instances', () => {
  it('publish each event once while both work, and a backlog of many batches in order', async () => {
    // The backlog first: 900 writes of 3 tenants while nobody publishes, more than one batch takes.
    const silent = await start('none');
    const tenants: TestTenant[] = [];
    for (let i = 0; i < 3; i++) tenants.push((await tenantOn(silent)).tenant);
    await Promise.all(tenants.map(async (tenant) => writeNotes(await tenant.as(), 300)));
    // A slow first batch: whoever does not wait for it overtakes it.
    sink.moods.push(1_000);
    const [first, second] = await Promise.all([start(), start()]);
    const writes = [first, second].map(async (service, n) => {
      const { call } = await tenantOn(service, `busy-${n}`);
      await writeNotes(call, 50);
    });
    await Promise.all(writes);
    await complete();

    const ids = sink.received.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const tenant of tenants) {
      expect(titlesInOrder(tenant.id)).toEqual([...Array(300).keys()].map((n) => `${n}`));
    }
  });
});

async function start(auditSink = sink.url): Promise<RunningService> {
  const settings = readSettings({ ...around.environment, AUDIT_SINK: auditSink });
  const service = await startService(settings, createLogger('silent'));
  services.push(service);
  return service;
}

async function tenantOn(service: RunningService, slug?: string) {
  const tenant = await apiOf(service.url, around.token).tenant(slug);
  await tenant.define('note', { type: 'object', properties: { title: { type: 'string' } }, additionalProperties: false });
  return { tenant, call: await tenant.as() };
}

async function writeNotes(call: Awaited<ReturnType<TestTenant['as']>>, count: number): Promise<void> {
  for (let n = 0; n < count; n++) expect((await call('post', '/records/note').send({ title: `${n}` })).status).toBe(201);
}

/** Until every event of the trail has arrived, and nothing is left to publish. */
async function complete(): Promise<void> {
  await eventually(async () => {
    const { rows } = await around.database.admin('select event_id as id from audit.events');
    const { rows: pending } = await around.database.admin('select from audit.pending');
    const arrived = new Set(sink.received.map(({ id }) => id));
    return pending.length === 0 && rows.every(({ id }) => arrived.has(id)) && arrived.size === rows.length;
  });
}

/** Titles of created records in the order in which they first arrived. */
function titlesInOrder(tenantId?: string): (string | undefined)[] {
  const first = new Map(sink.received.toReversed().map((event) => [event.id, event]));
  const order = [...new Set(sink.received.map(({ id }) => id))].map((id) => first.get(id));
  return order
    .filter((event) => event?.type === 'business-store.record.created' && (!tenantId || event.tenantid === tenantId))
    .map((event) => event?.data.after?.title);
}
