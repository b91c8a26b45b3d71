/** What has left with its retention is nothing to publish: tenants whose trail has ended are in nobody's way. */
import { readSinkStatus, readTroubledTenants } from '../../src/audit/publishing-status.js';
import { PUBLISHER } from '../../src/audit/publishing-turn.js';
import { TurnStore } from '../../src/webhooks/turn-store.js';
import { controlPlaneOf } from '../harness/database.js';
import { type EventSink, startEventSink } from '../harness/event-sink.js';
import { eventually } from '../harness/eventually.js';
import { openPublishingScene } from '../harness/publishing-scene.js';
import { openTrails, type Trails } from '../harness/trails.js';

jest.setTimeout(120_000);

/** More than share a look. */
const ENDED = 250;

/** Behind all others, in order of their ids. */
const LAST = 'ffffffff-ffff-4fff-bfff-ffffffffffff';
const TROUBLED = 'eeeeeeee-ffff-4fff-bfff-ffffffffffff';

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

/** Trails of 5 events, all of which have left. */
async function end(tenants: number): Promise<string[]> {
  const { rows } = await trails.database.admin(
    `insert into audit.heads (tenant_id, seq, hash, sealed_at, anchor_seq)
     select gen_random_uuid(), 5, decode(repeat('11', 32), 'hex'), now(), 5
     from generate_series(1, $1)
     returning tenant_id`,
    [tenants],
  );
  return rows.map(({ tenant_id }) => tenant_id);
}

async function inTrouble(tenantId: string, seq: number, since: string): Promise<void> {
  await trails.database.admin(
    `insert into audit.publishing (sink, tenant_id, seq, failures, next_try_at, parked_at)
     select s.sink, $1, $2, 1, now() - $3::interval, now()
     from audit.sinks as s`,
    [tenantId, seq, since],
  );
}

const numbersOf = (tenantId: string): number[] =>
  sink.received.filter(({ tenantid }) => tenantid === tenantId).map(({ sequence }) => Number(sequence));

async function told() {
  const plane = controlPlaneOf(trails.database);
  await plane.connect();
  const read = await plane.platform(
    PUBLISHER,
    async (tx) => [await readSinkStatus(tx), await readTroubledTenants(tx, 10)] as const,
  );
  await plane.close();
  return { status: read[0][0], troubled: read[1].map(({ tenant_id, seq }) => ({ tenant_id, seq })) };
}

describe('trails that have ended', () => {
  it('keep a place that is new from no other', async () => {
    await end(ENDED);
    await trails.write(LAST, 3);
    await trails.publish(sink.url);
    await eventually(() => sink.received.length === 3);
    await eventually(async () => (await told()).status?.tenants_behind === 0);
    expect((await told()).status).toMatchObject({ events_behind: '0', lag_seconds: 0, parked_tenants: 0 });
  });

  it('keep no other tenant in trouble from being tried, and are in none', async () => {
    const [first] = (await end(1)) as [string];
    // Nothing of it is sent but by itself: that of others would have the place look at it.
    await trails.publish(sink.url);
    await eventually(async () => (await trails.database.admin('select from audit.sinks')).rowCount === 1);
    await inTrouble(first, 2, '1 hour');
    await inTrouble(TROUBLED, 0, '1 minute');
    await trails.write(TROUBLED, 3);
    await eventually(() => sink.received.length === 3);
    expect(await told()).toMatchObject({ status: { tenants_behind: 0, parked_tenants: 0 }, troubled: [] });
  });

  it('go on behind what has left, in trouble or not', async () => {
    sink.judge = () => 422;
    await trails.publish(sink.url);
    await eventually(async () => (await trails.database.admin('select from audit.sinks')).rowCount === 1);
    await inTrouble(TROUBLED, 2, '-1 hour');
    await trails.write(TROUBLED, 8);
    await trails.write(LAST, 8);
    await eventually(async () => (await told()).troubled.length === 2);
    const left = `with gone as (delete from audit.chain where seq <= 5 returning tenant_id, seq, hash)
      update audit.heads as h
      set anchor_seq = g.seq, anchor_hash = g.hash
      from gone as g
      where g.tenant_id = h.tenant_id and g.seq = 5`;
    await trails.database.admin(left);
    const { status, troubled } = await told();
    expect(status).toMatchObject({ tenants_behind: 2, events_behind: '6', parked_tenants: 2 });
    expect(new Set(troubled)).toEqual(new Set([TROUBLED, LAST].map((tenant_id) => ({ tenant_id, seq: '6' }))));
    sink.judge = () => 204;
    await trails.database.admin('update audit.publishing set next_try_at = now()');
    await eventually(() => numbersOf(TROUBLED).length === 3 && numbersOf(LAST).length === 3);
    expect([numbersOf(TROUBLED), numbersOf(LAST)]).toEqual([
      [6, 7, 8],
      [6, 7, 8],
    ]);
  });

  it('give webhooks nothing to send either', async () => {
    const scene = await openPublishingScene();
    try {
      const service = await scene.start({ WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' });
      const tenant = await scene.tenantOn(service);
      await (await tenant.as())('post', '/webhooks').send({ url: sink.url }).expect(201);
      await scene.sealed();
      await service.stop();
      await scene.admin('update business_store_service.webhooks set sent_seq = 0, held_until = null, resume_at = null');
      const plane = controlPlaneOf(scene.around.database);
      await plane.connect();
      const candidates = () => new TurnStore(plane).candidates(10, []);
      expect(await candidates()).toHaveLength(1);
      await scene.admin('update audit.heads set anchor_seq = seq, anchor_hash = hash');
      expect(await candidates()).toEqual([]);
      await plane.close();
    } finally {
      await scene.close();
    }
  });
});
