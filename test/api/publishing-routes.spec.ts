/** What system administrators see of publishing, and what they can do about an event that a place does not take. */
import { bss } from '../harness/child-service.js';
import { type EventSink, type ReceivedEvent, startEventSink } from '../harness/event-sink.js';
import { eventually } from '../harness/eventually.js';
import { openPublishingScene, type PublishingScene, titlesOf } from '../harness/publishing-scene.js';
import { apiOf, type Method, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

let scene: PublishingScene;
let sink: EventSink;
let url: string;
let token: string;
let poisoned: TestTenant;
let well: TestTenant;

beforeAll(async () => {
  scene = await openPublishingScene();
  sink = await startEventSink();
  sink.judge = (events) => (events.some(isPoison) ? 422 : 204);
  url = (await scene.start({ AUDIT_SINK: sink.url.replace('://', '://user:hidden@') })).url;
  token = await scene.around.token(['system_admin']);
  [poisoned, well] = [await scene.tenantOn({ url }), await scene.tenantOn({ url })];
  await scene.writeNotes(well, 3);
  await scene.writeNotes(poisoned, 3);
  await eventually(async () => (await statusOf()).parkedTenants === 1);
});

afterAll(async () => {
  await scene.close();
  await sink.close();
});

const isPoison = ({ tenantid, data }: ReceivedEvent): boolean => tenantid === poisoned?.id && data.after?.title === '1';
const call = (method: Method, path: string) => apiOf(url, scene.around.token).request(token, method, `/api/v1/publishing${path}`);
const statusOf = async () => (await call('get', '').expect(200)).body.items[0];
const act = (verb: string, body: object, tenantId = poisoned.id, place?: string) =>
  statusOf().then(({ sink: name }) => call('post', `/${place ?? name}/tenants/${tenantId}/${verb}`).send(body));

describe('publishing', () => {
  it('is told by place: where, how far, and who is parked with which event, without any secret', async () => {
    await eventually(async () => (await statusOf()).tenantsBehind === 1);
    const status = await statusOf();
    expect(status).toEqual({
      sink: expect.stringMatching(/^http-127\.0\.0\.1-[0-9a-f]{10}$/),
      label: sink.url,
      running: true,
      lastUsedAt: expect.any(String),
      failing: null,
      tenantsBehind: 1,
      eventsBehind: 2,
      lagSeconds: 0,
      parkedTenants: 1,
      troubled: [
        {
          tenantId: poisoned.id,
          sequence: '4',
          eventId: expect.any(String),
          state: 'parked',
          failures: expect.any(Number),
          parkedAt: expect.any(String),
          nextTryAt: expect.any(String),
          error: 'answered 422',
        },
      ],
    });
    const { text } = await apiOf(url, scene.around.token).request(null, 'get', '/metrics');
    expect(text).toContain(`audit_parked_tenants{sink="${status.sink}"} 1`);
    expect(text).toMatch(new RegExp(`audit_publish_lag_seconds\\{sink="${status.sink}"\\} \\d`));
    expect(text).toMatch(new RegExp(`audit_published_total\\{sink="${status.sink}"\\} [1-9]`));
    for (const secret of ['hidden', poisoned.id, well.id]) expect(text).not.toContain(secret);
  });

  it('refuses to act without a reason, on another event, on tenants that are well, and where nothing is published', async () => {
    const reason = 'because';
    const refusals: [number, string, Promise<{ status: number; body: { type: string } }>][] = [
      [422, 'request/invalid', act('retry', {})],
      [422, 'request/invalid', act('skip', { reason })],
      [422, 'request/invalid', act('skip', { reason, sequence: 'four' })],
      [409, 'publishing/other-event', act('skip', { reason, sequence: '5' })],
      [409, 'publishing/not-in-trouble', act('retry', { reason }, well.id)],
      [404, 'publishing/not-found', act('retry', { reason }, 'nobody')],
      [404, 'publishing/not-found', act('retry', { reason }, poisoned.id, 'nowhere')],
    ];
    for (const [status, type, refusal] of refusals) {
      const answer = await refusal;
      expect([answer.status, answer.body.type]).toEqual([status, `urn:bss:problem:${type}`]);
    }
    expect((await statusOf()).troubled).toHaveLength(1);
  });

  it('tries an event again when asked to', async () => {
    const before = sink.requests;
    const { body } = await act('retry', { reason: 'it was mended' }).then((answer) => answer);
    expect(body).toMatchObject({ tenantId: poisoned.id, sequence: '4', state: 'parked' });
    await eventually(() => sink.requests > before);
    expect(titlesOf(sink.received, poisoned.id)).toEqual(['0']);
  });

  it('is told by `bss publishing`, which has an event sent again too', async () => {
    const run = (...args: string[]) => bss(['publishing', ...args, '--url', url, '--token', token]);
    const { sink: place, label } = await statusOf();
    const status = await run('status');
    expect([status.code, status.stderr]).toEqual([0, '']);
    expect(status.stdout).toMatch(new RegExp(`^${place} +well +\\d+ s +\\d+ +1 +1 +${label}$`, 'm'));
    expect(status.stdout).toMatch(new RegExp(`^${place} +${poisoned.id} +4 +parked .*answered 422$`, 'm'));
    const before = sink.requests;
    const retried = await run('retry', place, poisoned.id, '--reason', 'once more');
    expect([retried.code, retried.stdout]).toEqual([0, 'event 4 is sent again\n']);
    await eventually(() => sink.requests > before);
    const refused = await run('skip', place, poisoned.id, '5', '--reason', 'a slip of the hand');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('The event that is not taken is the one with')]);
  });

  it('passes over an event when asked to, once, and the trail says who did it and why', async () => {
    const place = (await statusOf()).sink;
    const answers = await Promise.all([1, 2].map(() => act('skip', { sequence: '4', reason: 'it never fits' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    await scene.sealed();
    await eventually(async () => (await statusOf()).tenantsBehind === 0);
    expect(titlesOf(sink.received, poisoned.id)).toEqual(['0', '2']);
    const told = sink.received.filter(({ type, tenantid }) => /publishing/.test(type) && tenantid === poisoned.id);
    expect(told.map(({ type, data }) => [type, data])).toEqual([
      [
        'business-store.publishing.retried',
        expect.objectContaining({ actor: 'system_admin@test', detail: expect.objectContaining({ reason: 'it was mended' }) }),
      ],
      [
        'business-store.publishing.retried',
        expect.objectContaining({ detail: expect.objectContaining({ reason: 'once more' }) }),
      ],
      [
        'business-store.publishing.skipped',
        {
          actor: 'system_admin@test',
          requestId: expect.any(String),
          detail: { sink: place, sequence: '4', eventId: expect.any(String), error: 'answered 422', reason: 'it never fits' },
        },
      ],
    ]);
    expect(await statusOf()).toMatchObject({ parkedTenants: 0, troubled: [], lagSeconds: 0 });
  });
});
