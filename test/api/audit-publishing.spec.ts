/** Audit events leave the service as CloudEvents: at least once, in order within a tenant, whatever the sink does. */
import { setTimeout as wait } from 'node:timers/promises';
import { CloudEvent } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import { type RunningService } from '../../src/start.js';
import { type EventSink, type Mood, startEventSink } from '../harness/event-sink.js';
import { eventually } from '../harness/eventually.js';
import { openPublishingScene, type PublishingScene, titlesOf } from '../harness/publishing-scene.js';
import type { TestTenant } from '../harness/service.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(60_000);

let scene: PublishingScene;
let sink: EventSink;

beforeEach(async () => {
  scene = await openPublishingScene();
  sink = await startEventSink();
});

afterEach(async () => {
  await scene.close();
  await sink.close();
});

const start = (settings: Record<string, string> = {}): Promise<RunningService> =>
  scene.start({ AUDIT_SINK: sink.url, ...settings });
const complete = (): Promise<void> => scene.complete(() => sink.received);

describe('published events', () => {
  it('are CloudEvents in batches, one of each change, definition and refusal, with who, what and where in the trail', async () => {
    const tenant = await scene.tenantOn(await start());
    const { body } = await (await tenant.as())('post', '/records/note').send({ title: 'one' });
    const viewer = await tenant.as('viewer');
    await viewer('delete', `/records/note/${body.id}`).set('x-request-id', 'denied');
    await complete();

    expect(sink.batches[0]?.headers['content-type']).toBe('application/cloudevents-batch+json');
    expect(sink.received.map(({ type }) => type)).toEqual([
      'business-store.tenant.created',
      'business-store.entity.defined',
      'business-store.record.created',
      'business-store.access.denied',
    ]);
    for (const event of sink.received) expect(new CloudEvent(event, true).validate()).toBe(true);
    const { rows } = await scene.admin(
      `select c.seq::text, encode(c.hash, 'hex') as hash, to_json(c.occurred_at at time zone 'UTC')#>>'{}' || 'Z' as time
       from audit.chain as c where c.tenant_id = $1 order by c.seq`,
      [tenant.id],
    );
    expect(sink.received[2]).toEqual({
      specversion: '1.0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      source: `urn:bss:tenant:${tenant.id}`,
      type: 'business-store.record.created',
      subject: `note/${body.id}`,
      time: rows[2].time,
      datacontenttype: 'application/json',
      tenantid: tenant.id,
      sequence: '0000000000000000003',
      hash: rows[2].hash,
      data: { actor: 'admin@test', requestId: expect.any(String), after: { title: 'one' } },
    });
    expect(sink.received[3]?.data).toMatchObject({ actor: 'viewer@test', requestId: 'denied' });
  });

  it('are signed as Standard Webhooks are, when there is a secret, and come with the credentials of the URL', async () => {
    const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
    const url = sink.url.replace('://', '://store:p%40ss@');
    await scene.tenantOn(await start({ AUDIT_SINK: url, AUDIT_SINK_SECRET: secret }));
    await complete();
    const batch = sink.batches[0];
    expect(batch?.headers.authorization).toBe(`Basic ${Buffer.from('store:p@ss').toString('base64')}`);
    const headers = batch?.headers as Record<string, string>;
    expect(new Webhook(secret).verify(batch?.text ?? '', headers)).toEqual(batch?.events);
    expect(() => new Webhook(secret).verify(`${batch?.text} `, headers)).toThrow();
  });

  it.each<[string, Mood[]]>([
    ['refuses them', ['refuse', 'refuse']],
    ['takes them and says it did not', ['swallow', 'refuse']],
    ['takes them and breaks the connection', ['drop']],
    ['wants them elsewhere', ['redirect']],
  ])('are not lost on a sink that %s, and come in order', async (_name, moods) => {
    sink.moods.push(...moods);
    const tenant = await scene.tenantOn(await start());
    await scene.writeNotes(tenant, 20);
    await complete();
    expect(titlesOf(sink.received)).toEqual([...Array(20).keys()].map((n) => `${n}`));
    const isAnswerLost = moods.some((mood) => mood === 'swallow' || mood === 'drop');
    // That batch may have held everything, and comes again only then: whoever takes events twice can tell by the ids.
    const unanswered = (isAnswerLost && sink.batches[0]?.events.map(({ id }) => id)) || [];
    const times = (of: string): number => sink.received.filter(({ id }) => id === of).length;
    await eventually(() => unanswered.every((id) => times(id) > 1));
    if (!isAnswerLost) expect(new Set(sink.received.map(({ id }) => id)).size).toBe(sink.received.length);
    expect(titlesOf(sink.received)).toEqual([...Array(20).keys()].map((n) => `${n}`));
  });

  it('wait for a sink that is down, and for a service that is restarted', async () => {
    await sink.close();
    const first = await start();
    const tenant = await scene.tenantOn(first);
    await scene.writeNotes(tenant, 3);
    await wait(1_200);
    await first.stop();
    sink = await startEventSink(Number(new URL(sink.url).port));
    await start();
    await complete();
    expect(titlesOf(sink.received)).toEqual(['0', '1', '2']);
  });

  it('do not keep a stopping service from ending when the sink hangs', async () => {
    const service = await start();
    const tenant = await scene.tenantOn(service);
    await complete();
    sink.moods.push('hang');
    await scene.writeNotes(tenant, 1);
    await eventually(() => sink.moods.length === 0);
    const started = performance.now();
    await service.stop();
    expect(performance.now() - started).toBeLessThan(6_000);
    await start();
    await complete();
    expect(titlesOf(sink.received)).toEqual(['0']);
  });
});

describe('two instances', () => {
  it('publish each event once while both work, and a backlog of many batches in order', async () => {
    // The backlog first: 900 writes of 3 tenants while nobody publishes.
    const silent = await start({ AUDIT_SINK: 'none' });
    const tenants: TestTenant[] = [];
    for (let i = 0; i < 3; i++) tenants.push(await scene.tenantOn(silent));
    await Promise.all(tenants.map((tenant) => scene.writeNotes(tenant, 300)));
    // A slow first batch: whoever does not wait for it overtakes it.
    sink.moods.push(1_000);
    const both = await Promise.all([start(), start()]);
    await Promise.all(both.map(async (service) => scene.writeNotes(await scene.tenantOn(service), 50)));
    await complete();

    const ids = sink.received.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const tenant of tenants) {
      expect(titlesOf(sink.received, tenant.id)).toEqual([...Array(300).keys()].map((n) => `${n}`));
    }
  });
});

describe('a place', () => {
  it('that is new begins with the first event, or with what comes next, and one that is known goes on where it was', async () => {
    const silent = await start({ AUDIT_SINK: 'none' });
    const tenant = await scene.tenantOn(silent);
    await scene.writeNotes(tenant, 3);
    await scene.sealed();
    const [late, whole] = [await startEventSink(), await startEventSink()];
    try {
      const first = await start({ AUDIT_SINK: late.url, AUDIT_SINK_FROM: 'now' });
      await eventually(async () => (await scene.admin('select from audit.sinks')).rowCount === 1);
      await scene.writeNotes(tenant, 2);
      await eventually(() => late.received.length === 2);
      await first.stop();
      // Away from the settings it waits; back in them, it goes on.
      await scene.writeNotes(tenant, 1);
      await start({ AUDIT_SINK: `${late.url},${whole.url}` });
      await scene.complete(() => whole.received);
      await eventually(() => late.received.length === 3);
      expect(titlesOf(late.received)).toEqual(['0', '1', '0']);
      expect(titlesOf(whole.received)).toEqual(['0', '1', '2', '0', '1', '0']);
    } finally {
      await Promise.all([late.close(), whole.close()]);
    }
  });
});
