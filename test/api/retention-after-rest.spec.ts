/** A service that was down for longer than a place is waited for: what is not published there is still there afterwards. */
import pg from 'pg';
import { type EventSink, startEventSink } from '../harness/event-sink.js';
import { eventually } from '../harness/eventually.js';
import { openPublishingScene, type PublishingScene } from '../harness/publishing-scene.js';

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

describe('retention', () => {
  it('waits, after a week in which nobody published, until the places in use are known again', async () => {
    const { admin, around } = scene;
    const settings = { AUDIT_SINK: sink.url, AUDIT_RETENTION_DAYS: '31' };
    sink.judge = () => 503;
    const first = await scene.start(settings);
    await scene.tenantOn(first);
    await scene.sealed();
    await eventually(() => sink.requests > 0);
    await first.stop();

    // Everything happened long ago, and has outlived its retention; the service has been down for eight days.
    await admin(`create table audit.chain_202001 partition of audit.chain for values from ('2020-01-01Z') to ('2020-02-01Z')`);
    await admin(`update audit.chain set sealed_at = '2020-01-15Z'`);
    const [{ month }] = (await admin(`select max(right(relname, 6)) as month from pg_class where relname ~ '^proofs_\\d{6}$'`))
      .rows;
    await admin(`drop table audit.proofs_${month}`);
    await admin(`update audit.sinks set used_at = now() - interval '8 days', holds_until = now() - interval '8 days'`);
    const hasSwept = async () => (await admin(`select from pg_class where relname = 'proofs_${month}'`)).rowCount === 1;
    const holdsEvents = async () => (await admin('select from audit.chain')).rowCount !== 0;

    // Whoever says that the place is in use is late: retention could look in the meantime.
    const late = new pg.Client({ connectionString: around.database.adminUrl });
    await late.connect();
    await late.query('begin');
    await late.query('lock table audit.sinks in exclusive mode');
    const starting = scene.start(settings);
    const isWaiting = async () =>
      (await admin(`select from pg_locks where not granted and relation = 'audit.sinks'::regclass`)).rowCount !== 0;
    try {
      await eventually(isWaiting);
      await admin('select pg_sleep(0.5)');
      expect(await holdsEvents()).toBe(true);
    } finally {
      await late.end();
      await starting;
    }
    const second = await starting;
    await eventually(hasSwept);
    await second.stop();
    expect(await holdsEvents()).toBe(true);
    // Nothing else has kept them.
    await admin(`update audit.sinks set used_at = now() - interval '8 days'`);
    expect((await admin(`select audit.drop_outlived(now() - interval '31 days') as dropped`)).rows).toEqual([
      { dropped: 'chain_202001' },
    ]);
  });
});
