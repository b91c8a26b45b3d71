/** The trail leaves by months: whole partitions, only what is sealed, published and checkpointed, and its chain goes on from where it was. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditRetention } from '../../src/audit/audit-retention.js';
import { BundleVerifier } from '../../src/model/audit/bundle.js';
import { readSigningKey } from '../../src/model/audit/signing-key.js';
import { eventually } from '../harness/eventually.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(120_000);

const NOTE = { type: 'object', properties: { title: { type: 'string' } } };
const SEED = Buffer.alloc(32, 6).toString('base64');

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'business-store-test-retention-'));
  const place = `file:${join(folder, 'checkpoints.jsonl')}`;
  test = await startTestService({
    ...{ AUDIT_SIGNING_KEY: SEED, AUDIT_CHECKPOINTS: place, AUDIT_CHECKPOINT_SECONDS: '1', AUDIT_RETENTION_DAYS: '1' },
  });
  tenant = await test.tenant();
  call = await tenant.as();
  await tenant.define('note', NOTE);
});

afterAll(async () => {
  await test.stop();
  await rm(folder, { recursive: true, force: true });
});

const admin = async (sql: string, values: readonly unknown[] = []) => (await test.database.admin(sql, values)).rows;
const verified = async () => (await call('get', '/audit/verify').expect(200)).body;
const trail = async () => (await call('get', '/audit?limit=200').expect(200)).body.items;

/** As if the month were over, and its retention too: what has ended did so long enough ago. */
const dropOutlived = async (): Promise<string | null> => {
  const [{ dropped }] = await admin(`select audit.drop_outlived(now() + interval '32 days') as dropped`);
  await admin(`
    update audit.heads
    set anchor_before = date_trunc('month', now() at time zone 'UTC' - interval '2 days') at time zone 'UTC'
    where anchor_before is not null`);
  return dropped;
};

const write = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++)
    await call('post', '/records/note')
      .send({ title: `${n}` })
      .expect(201);
};

async function vouched(events: number): Promise<void> {
  await eventually(async () => (await verified()).checkpoint?.seq === events);
}

const month = async (): Promise<string> => (await admin(`select to_char(now() at time zone 'UTC', 'YYYYMM') as m`))[0].m;

describe('retention', () => {
  it('leaves alone what is younger', async () => {
    await write(8);
    await vouched(10);
    expect((await admin('select audit.drop_outlived(now()) as dropped'))[0].dropped).toBeNull();
  });

  it('waits for what is not published to every place that takes the trail', async () => {
    await admin(`insert into audit.sinks (sink, label, holder, holds_until) values ('test', 'test', gen_random_uuid(), now())`);
    expect(await dropOutlived()).toBeNull();
    await admin(`insert into audit.publishing (sink, tenant_id, seq) values ('test', $1, 9)`, [tenant.id]);
    expect(await dropOutlived()).toBeNull();
    await admin('update audit.publishing set seq = 10');
  });

  it('waits for what no checkpoint vouches for, and for checkpoints that were not sent', async () => {
    const heads = await admin('select * from audit.checkpointed_heads');
    await admin('update audit.checkpointed_heads set seq = seq - 1');
    expect(await dropOutlived()).toBeNull();
    await admin('update audit.checkpointed_heads set seq = seq + 1');
    expect(await admin('select * from audit.checkpointed_heads')).toEqual(heads);
    await admin('alter table audit.checkpoints add constraint unsent check (sent_at is null) not valid');
    await admin('update audit.checkpoints set sent_at = null');
    expect(await dropOutlived()).toBeNull();
    await admin('alter table audit.checkpoints drop constraint unsent');
    await eventually(async () => (await admin('select from audit.checkpoints where sent_at is null')).length === 0);
  });

  it('drops the month whole, and the chain goes on from where it was', async () => {
    const [{ hash }] = await trail();
    const now = await month();
    expect([await dropOutlived(), await dropOutlived(), await dropOutlived(), await dropOutlived()]).toEqual([
      ...[`chain_${now}`, `events_${now}`, `proofs_${now}`, null],
    ]);
    expect(await trail()).toEqual([]);
    const ended = { upTo: 10, before: expect.stringMatching(/^\d{4}-\d\d-01T00:00:00Z$/) };
    expect(await verified()).toMatchObject({ valid: true, from: 11, events: 0, head: { seq: 10, hash }, ended });
    await new AuditRetention(test.service.controlPlane, 0, () => {}).makePartitions();
    await write(5);
    await vouched(15);
    expect((await trail()).map(({ seq }: { seq: number }) => seq)).toEqual([15, 14, 13, 12, 11]);
    expect(await verified()).toMatchObject({ valid: true, from: 11, events: 5, ended, checkpoint: { seq: 15 } });
    const { text } = await call('get', '/audit/export').buffer(true);
    const verifier = new BundleVerifier([readSigningKey(SEED)], null);
    for (const line of text.trim().split('\n')) verifier.line(line);
    expect(verifier.finish()).toMatchObject({
      valid: true,
      from: 11,
      events: 5,
      header: { endedBefore: ended.before, after: { seq: 10, hash } },
    });
  });

  it('is no excuse: what was deleted behind its end is missed, and so is an anchor that was moved', async () => {
    const [head] = await admin('select * from audit.heads where tenant_id = $1', [tenant.id]);
    const [{ hash }] = await admin('select hash from audit.chain where tenant_id = $1 and seq = 12', [tenant.id]);
    await admin('update audit.heads set anchor_hash = $2 where tenant_id = $1', [tenant.id, hash]);
    expect((await verified()).firstBad).toMatchObject({ seq: 11, reason: 'edited' });
    await admin('update audit.heads set anchor_hash = $2 where tenant_id = $1', [tenant.id, head.anchor_hash]);
    expect(await verified()).toMatchObject({ valid: true });
  });

  it('is no excuse for what it cannot have come to: the first number that is missing is named', async () => {
    const [head] = await admin('select * from audit.heads where tenant_id = $1', [tenant.id]);
    for (const before of [null, new Date()]) {
      await admin('update audit.heads set anchor_before = $2 where tenant_id = $1', [tenant.id, before]);
      expect(await verified()).toMatchObject({ valid: false, ended: null, firstBad: { seq: 1, reason: 'deleted' } });
    }
    await admin('update audit.heads set anchor_before = $2 where tenant_id = $1', [tenant.id, head.anchor_before]);
    expect(await verified()).toMatchObject({ valid: true, from: 11 });
  });

  it('holds back the events of one month that were sealed in the next', async () => {
    await admin(`update audit.chain set sealed_at = sealed_at + interval '1 month' where tenant_id = $1 and seq = 15`, [
      tenant.id,
    ]);
    const now = await month();
    // The month behind it goes as a whole, but for the events that something refers to.
    await admin('update audit.publishing set seq = 15');
    expect([await dropOutlived(), await dropOutlived(), await dropOutlived()]).toEqual([`chain_${now}`, `proofs_${now}`, null]);
    expect(await verified()).toMatchObject({ valid: true, from: 15, events: 1 });
  });

  it('drops events that only numbers refer to which have ended themselves, and have not left with a partition', async () => {
    await admin('update audit.heads set anchor_seq = seq, anchor_hash = hash where tenant_id = $1', [tenant.id]);
    expect([await dropOutlived(), await dropOutlived()]).toEqual([`events_${await month()}`, null]);
    expect(await admin('select from audit.chain where tenant_id = $1', [tenant.id])).toHaveLength(1);
    expect(await verified()).toMatchObject({ valid: true, from: 16, events: 0 });
  });

  it('takes every event when nobody has made the month its partition', async () => {
    await write(3);
    await eventually(async () => (await verified()).head.seq === 18);
    expect(await verified()).toMatchObject({ valid: true, from: 16, events: 3 });
    await new AuditRetention(test.service.controlPlane, 0, () => {}).makePartitions();
    expect(await verified()).toMatchObject({ valid: true, from: 16, events: 3 });
  });
});
