/** What becomes of events that a place does not take: of its own fault, of theirs, for an hour or for good. */
import { PublishingLedger, TurnLost } from '../../src/audit/publishing-ledger.js';
import type { Turn } from '../../src/audit/publishing-turn.js';
import { controlPlaneOf } from '../harness/database.js';
import { type EventSink, type ReceivedEvent, startEventSink, withoutRepetitions } from '../harness/event-sink.js';
import { eventually } from '../harness/eventually.js';
import { newTenant, openTrails, type Trails } from '../harness/trails.js';

jest.setTimeout(120_000);

let trails: Trails;
let sink: EventSink;

beforeEach(async () => {
  trails = await openTrails();
  sink = await startEventSink();
});

afterEach(async () => {
  await trails.close();
  await sink.close();
});

const numbers = (count: number): string[] => [...Array(count).keys()].map((n) => `${n}`);
const titlesOf = (tenantId: string): (string | undefined)[] =>
  withoutRepetitions(sink.received)
    .filter((event) => event.tenantid === tenantId)
    .map(({ data }) => data.after?.title);
const holds = (events: readonly ReceivedEvent[], tenantId: string, title: string): boolean =>
  events.some(({ tenantid, data }) => tenantid === tenantId && data.after?.title === title);

async function troubleOf(tenantId: string) {
  const { rows } = await trails.database.admin(
    'select seq::integer, failures, parked_at is not null as parked, error from audit.publishing where tenant_id = $1 and failures > 0',
    [tenantId],
  );
  return rows[0];
}

/** As if the time until the next attempt had passed. */
async function hurry(tenantId: string): Promise<void> {
  await trails.database.admin('update audit.publishing set next_try_at = now() where tenant_id = $1 and failures > 0', [
    tenantId,
  ]);
}

describe('an event that a place refuses', () => {
  it('parks its tenant there and nobody else, until it is taken; then the rest follows in order', async () => {
    const [poisoned, ...others] = [newTenant(), newTenant(), newTenant()];
    for (const tenant of [poisoned, ...others] as string[]) await trails.write(tenant, 50);
    sink.judge = (events) => (holds(events, poisoned as string, '20') ? 422 : 204);
    const { registry, sinks } = await trails.publish(sink.url);
    await eventually(async () => (await troubleOf(poisoned as string))?.parked);
    expect(await troubleOf(poisoned as string)).toEqual({ seq: 20, failures: 1, parked: true, error: 'answered 422' });
    await eventually(() => others.every((tenant) => titlesOf(tenant).length === 50));
    expect(titlesOf(poisoned as string)).toEqual(numbers(20));

    // What the others do goes on, and the parked tenant is not asked for on the way.
    const before = sink.requests;
    for (const tenant of others) await trails.write(tenant, 10, { from: 50 });
    await eventually(() => others.every((tenant) => titlesOf(tenant).length === 60));
    expect(sink.requests - before).toBeLessThanOrEqual(3);
    const told = await registry.metrics();
    expect(told).toContain(`audit_parked_tenants{sink="${sinks[0]}"} 1`);
    expect(told).not.toContain(poisoned);

    sink.judge = () => 204;
    await hurry(poisoned as string);
    await trails.published();
    for (const tenant of [poisoned as string, ...others]) {
      expect(titlesOf(tenant)).toEqual(numbers(tenant === poisoned ? 50 : 60));
    }
    expect(await troubleOf(poisoned as string)).toBeUndefined();
  });

  it('stays parked when it is refused again, whatever the answer is by then, and is tried less and less often', async () => {
    const tenant = newTenant();
    await trails.write(tenant, 3);
    sink.judge = () => 400;
    await trails.publish(sink.url);
    await eventually(async () => (await troubleOf(tenant))?.parked);
    sink.judge = () => 503;
    await hurry(tenant);
    await eventually(async () => (await troubleOf(tenant)).failures === 2);
    expect(await troubleOf(tenant)).toEqual({ seq: 0, failures: 2, parked: true, error: 'answered 503' });
    const { rows } = await trails.database.admin(
      "select next_try_at > now() + interval '45 seconds' as later from audit.publishing where tenant_id = $1",
      [tenant],
    );
    expect(rows).toEqual([{ later: true }]);
    expect(sink.received).toEqual([]);
  });

  it.each([500, 502])('by being answered with %i holds up its own tenant only', async (status) => {
    const [poisoned, ...others] = Array.from({ length: 6 }, newTenant) as [string, ...string[]];
    for (const tenant of [poisoned, ...others]) await trails.write(tenant, 30);
    sink.judge = (events) => (holds(events, poisoned, '20') ? status : 204);
    await trails.publish(sink.url);
    await eventually(() => others.every((tenant) => titlesOf(tenant).length === 30));
    for (let seq = 0; seq < 20; seq = (await troubleOf(poisoned))?.seq ?? 0) await hurry(poisoned);
    expect(titlesOf(poisoned)).toEqual(numbers(20));

    // It is tried by itself, and nobody waits for that.
    await hurry(poisoned);
    const before = sink.requests;
    await eventually(() => sink.requests > before);
    const started = performance.now();
    for (const tenant of others) await trails.write(tenant, 5, { from: 30 });
    await eventually(() => others.every((tenant) => titlesOf(tenant).length === 35));
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(await troubleOf(poisoned)).toMatchObject({ seq: 20, parked: false, error: `answered ${status}` });

    sink.judge = () => 204;
    await hurry(poisoned);
    await trails.published();
    expect(titlesOf(poisoned)).toEqual(numbers(30));
  });
});

describe('a place that refuses everything', () => {
  it.each([401, 404, 400])('with %i parks nobody, and takes all of it once it is well', async (status) => {
    const tenants = Array.from({ length: 5 }, newTenant);
    for (const tenant of tenants) await trails.write(tenant, 4);
    sink.judge = () => status;
    await trails.publish(sink.url);
    await eventually(async () => (await trails.database.admin('select from audit.sinks where failures >= 2')).rowCount === 1);
    const { rows } = await trails.database.admin(
      'select count(*)::integer as parked from audit.publishing where parked_at is not null',
    );
    expect(rows).toEqual([{ parked: 0 }]);
    const { rows: told } = await trails.database.admin('select error from audit.sinks');
    expect(told).toEqual([{ error: `answered ${status} to everything` }]);
    sink.judge = () => 204;
    await trails.published();
    for (const tenant of tenants) expect(titlesOf(tenant)).toEqual(numbers(4));
  });
});

describe('an outage', () => {
  it('leaves nothing out of thousands of events, in order, in batches that stay small', async () => {
    const tenants = Array.from({ length: 20 }, newTenant);
    await sink.close();
    await trails.publish(sink.url);
    for (const tenant of tenants) await trails.write(tenant, 500, { bytes: 200 });
    await eventually(async () => (await trails.database.admin('select from audit.sinks where failures >= 2')).rowCount === 1);
    sink = await startEventSink(Number(new URL(sink.url).port));
    await trails.published();
    for (const tenant of tenants) expect(titlesOf(tenant)).toEqual(numbers(500));
    expect(Math.max(...sink.batches.map(({ text }) => text.length))).toBeLessThan(1_500_000);
    const { rows } = await trails.database.admin('select failures, failing_since, error from audit.sinks');
    expect(rows).toEqual([{ failures: 0, failing_since: null, error: null }]);
  });

  it('of one place is not one of the others', async () => {
    const other = await startEventSink();
    try {
      const tenant = newTenant();
      await trails.write(tenant, 5);
      sink.judge = () => 503;
      const { sinks } = await trails.publish(`${sink.url},${other.url}`);
      await trails.published(sinks[1]);
      expect(other.received).toHaveLength(5);
      expect(sink.received).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

describe('an event', () => {
  it('that is larger than a batch comes alone, and those around it in order', async () => {
    const tenant = newTenant();
    await trails.write(tenant, 2);
    await trails.write(tenant, 1, { from: 2, bytes: 3_000_000 });
    await trails.write(tenant, 2, { from: 3 });
    await trails.publish(sink.url);
    await trails.published();
    expect(titlesOf(tenant)).toEqual(numbers(5));
    const large = sink.batches.find(({ text }) => text.length > 1_500_000);
    expect(large?.events).toHaveLength(1);
  });
});

describe('an instance that has slept through the end of its turn', () => {
  it('notes nothing any more: not what was taken, not what was not, not how the place is', async () => {
    const tenant = newTenant();
    await trails.write(tenant, 3);
    const { sinks, stop } = await trails.publish(sink.url);
    await trails.published();
    await stop();
    const { rows } = await trails.database.admin('select holder, fence::text from audit.sinks');
    const controlPlane = controlPlaneOf(trails.database);
    await controlPlane.connect();
    try {
      const ledger = new PublishingLedger(controlPlane);
      const turn = { sink: sinks[0] as string, ...rows[0], over: new AbortController().signal };
      const event = { id: newTenant(), tenantId: tenant, seq: '4', type: 'x', text: '{}' };
      const attempts = (of: Turn) => [
        () => ledger.taken(of, [event], true),
        () => ledger.failed(of, event, 1_000, 'x', true),
        () => ledger.condition(of, 1, 'x'),
      ];
      const former = { ...turn, fence: String(Number(turn.fence) - 1) };
      for (const stale of [former, { ...turn, holder: newTenant() }]) {
        for (const attempt of attempts(stale)) await expect(attempt()).rejects.toThrow(TurnLost);
      }
      const standing = 'select p.seq::integer, p.failures, s.error from audit.publishing as p join audit.sinks as s using (sink)';
      expect((await trails.database.admin(standing)).rows).toEqual([{ seq: 3, failures: 0, error: null }]);
      for (const attempt of attempts(turn)) await attempt();
      expect((await trails.database.admin(standing)).rows).toEqual([{ seq: 4, failures: 0, error: 'x' }]);
    } finally {
      await controlPlane.close();
    }
  });
});
