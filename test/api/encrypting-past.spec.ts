/** What is kept of the past is encrypted with the records: every former version and deleted record reads as it did, and nothing else tells. */

import supertest from 'supertest';
import type { RunningService } from '../../src/start.js';
import { cellsOf } from '../harness/cell-census.js';
import { type Call, change, contentOf, document, driftOf, planOf } from '../harness/definitions.js';
import { eventually } from '../harness/eventually.js';
import { finishedKeyJob } from '../harness/key-jobs.js';
import { refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(300_000);

const ALL = ['destructive', 'blocking'];
const PEOPLE = 700;
/** Records that nobody changes while the others are encrypted. */
const STILL = 690;

const STRING = { type: 'string' };
const FOUND = { searchable: 'equality' };
const KEPT = { history: 'full', softDelete: true };
const BORN = { type: 'string', format: 'date-time' };
const FIRST = document({ ssn: STRING, born: BORN, who: STRING, n: { type: 'integer' }, round: { type: 'integer' } }, KEPT);
const SECOND = document(
  { number: { ...STRING, renamedFrom: 'ssn' }, born: BORN, who: STRING, n: { type: 'integer' }, round: { type: 'integer' } },
  KEPT,
);
const SEALED = document(
  {
    ...{ number: { ...STRING, encrypted: FOUND }, born: { ...BORN, encrypted: true } },
    ...{ who: STRING, n: { type: 'integer' }, round: { type: 'integer' } },
  },
  KEPT,
);

let test: TestService;
let second: RunningService;
let tenant: TestTenant;
let here: Call;
let there: Call;

beforeAll(async () => {
  test = await startTestService();
  second = await test.another();
});

afterAll(async () => {
  await second?.stop();
  await test?.stop();
});

const admin = async (sql: string, values: readonly unknown[] = []) => (await test.database.admin(sql, values)).rows;

async function fresh(): Promise<void> {
  tenant = await test.tenant();
  here = await tenant.as();
  const token = await test.token(['admin'], tenant.id);
  there = (method: Method, path: string) =>
    supertest(second.url)[method](`/api/v1/tenants/${tenant.id}${path}`).set('authorization', `Bearer ${token}`);
}

async function now(): Promise<string> {
  const [row] = await admin("select to_json(clock_timestamp() at time zone 'UTC')#>>'{}' || 'Z' as now");
  return row.now;
}

async function storedAnywhere(): Promise<string> {
  const tables = await admin(
    `select oid::regclass::text as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r'`,
    [`"${tenant.schemaName}"`],
  );
  const texts: string[] = [];
  for (const { name } of tables) for (const { row } of await admin(`select t::text as row from ${name} as t`)) texts.push(row);
  return texts.join('\n');
}

const rowsKept = async (): Promise<number> => {
  const tables = await admin(
    `select oid::regclass::text as name from pg_class where relnamespace = $1::regnamespace and relkind = 'p'`,
    [`"${tenant.schemaName}"`],
  );
  let count = 0;
  for (const { name } of tables) count += Number((await admin(`select count(*) as n from ${name}`))[0].n);
  return count;
};

/** But for the version of what a record says now: that is read by the document in force. */
async function historiesOf(ids: readonly string[]): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const id of ids) found[id] = await historyOf(id);
  return found;
}

async function historyOf(id: string, call = here): Promise<object[]> {
  const { items } = (await call('get', `/records/person/${id}/history?limit=100`).expect(200)).body;
  return items.map(({ version, ...item }: { version: number }, index: number) => (index === 0 ? item : { version, ...item }));
}

const pageOf = async (path: string): Promise<unknown> => (await here('get', path).expect(200)).body;
const changesOf = async () => (await here('get', '/entities/person/changes').expect(200)).body.items;

/** Some of the past in plain text again, and the change that encrypts it as if its process had died in the middle. */
async function cutOff(id: string, number: string, lease: string): Promise<void> {
  const history = await admin(
    `select oid::regclass::text as name from pg_class where relnamespace = $1::regnamespace and relname like '~history~%' and relkind = 'p'`,
    [`"${tenant.schemaName}"`],
  );
  await admin(
    `update ${history[0].name} set body = body - 'ssn~sealed' || jsonb_build_object('ssn', $2::text) where id = $1 and version = 1 and body ? 'ssn~sealed'`,
    [id, number],
  );
  await admin(
    `update business_store_service.schema_changes
     set status = 'running', finished_at = null, lease_until = now() + $2::interval, progress = '{"switched":true}',
       steps_done = json_array_length(plan->'statements') - 2
     where tenant_id = $1 and from_version = 2`,
    [tenant.id, lease],
  );
}

describe('the past of an entity whose properties are encrypted', () => {
  const old = (n: number) => `plain-${n}-number`;
  let ids: string[];
  let gone: string[];
  const instants: string[] = [];

  const everything = async () => ({
    histories: await historiesOf(ids.slice(0, STILL).filter((_, n) => n % 5 === 0)),
    gone: await historiesOf(gone.slice(0, 20)),
    deleted: await pageOf('/deleted/person?limit=100'),
    past: await Promise.all(instants.map((at) => pageOf(`/records/person?asOf=${at}&n=lt.${STILL}&order=n,id&limit=1000`))),
    found: await Promise.all(instants.map((at) => pageOf(`/records/person?asOf=${at}&number=eq.${old(33)}`))),
  });
  let before: Awaited<ReturnType<typeof everything>>;

  beforeAll(async () => {
    await fresh();
    await tenant.define('person', FIRST);
    const people = Array.from({ length: PEOPLE }, (_, n) => {
      return { ssn: old(n), born: `1931-05-0${1 + (n % 9)}T10:00:00Z`, who: `w${n % 7}`, n, round: 0 };
    });
    const { body } = await here('post', '/records/person').send(people).expect(201);
    ids = body.map(({ id }: { id: string }) => id);
    const touch = async (round: number) => {
      instants.push(await now());
      const changed = await here('patch', '/records/person?n=gte.0').send({ round });
      expect([changed.status, changed.text.slice(0, 300)]).toMatchObject([expect.any(Number), expect.any(String)]);
      expect(changed.status).toBeLessThan(300);
    };
    await touch(1);
    await touch(2);
    await change(here, 'person', SECOND, ALL);
    await touch(3);
    const last = await here('post', '/records/person')
      .send(Array.from({ length: 200 }, (_, n) => ({ number: old(10_000 + n), n: -1, born: '1931-05-01T10:00:00Z' })))
      .expect(201);
    gone = last.body.map(({ id }: { id: string }) => id);
    instants.push(await now());
    await here('delete', '/records/person?n=eq.-1').expect((answer) => expect(answer.status).toBeLessThan(300));
    await touch(4);
    instants.push(await now());
    before = await everything();
  });

  it('is some thousand rows in plain text before', async () => {
    expect(await rowsKept()).toBeGreaterThan(3_000);
    expect((await storedAnywhere()).match(/plain-\d+-number/g)?.length).toBeGreaterThan(3_500);
    expect(before.found.map((rows) => (rows as unknown[]).length)).toEqual(instants.map(() => 1));
  });

  it('is planned, and encrypted while two instances change records', async () => {
    const plan = await planOf(here, 'person', SEALED);
    expect(plan.operations.flatMap(({ failing }) => failing)).toEqual([]);
    expect(plan.steps.filter(({ phase }) => phase === 'afterwards').map(({ lock, blocks }) => [lock, blocks])).toEqual([
      ['none', 'nothing'],
      ['none', 'nothing'],
    ]);
    let isOver = false;
    const statuses: number[] = [];
    const hammer = async (call: Call, from: number) => {
      for (let round = 0; !isOver; round++) {
        const { status } = await call('patch', `/records/person/${ids[from + (round % 5)]}`).send({ round: 1_000 + round });
        statuses.push(status);
      }
    };
    const work = [hammer(here, STILL), hammer(there, STILL + 5)];
    try {
      await change(here, 'person', SEALED, ALL);
    } finally {
      isOver = true;
      await Promise.all(work);
    }
    expect(statuses.length).toBeGreaterThan(10);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    const [{ status, percent, steps }] = await changesOf();
    expect([status, percent, steps.every(({ state }: { state: string }) => state === 'done')]).toEqual(['done', 100, true]);
    expect(await driftOf(here, 'person')).toEqual([]);
  });

  it('holds no plain text any more, and reads as it did', async () => {
    const stored = await storedAnywhere();
    expect(stored.match(/plain-\d+-number|1931-05/g)).toBeNull();
    expect(await everything()).toEqual(before);
    expect(await historyOf(ids[0] as string, there)).toEqual(before.histories[ids[0] as string]);
    const hammered = (await here('get', `/records/person/${ids[STILL]}/history?limit=100`).expect(200)).body.items;
    expect(new Set(hammered.map(({ record }: { record: Record<string, unknown> }) => record.number ?? record.ssn))).toEqual(
      new Set([old(STILL)]),
    );
  });

  it('is kept without rights that were lent for it', async () => {
    const rights = await admin(
      `select privilege_type from information_schema.column_privileges
       where table_schema = $1 and table_name like '~%' and grantee = $2 and privilege_type = 'UPDATE'`,
      [tenant.schemaName, tenant.schemaName.replace(/^t_/, 'tn_')],
    );
    expect(rights).toEqual([]);
  });

  it('comes back: a record that was deleted in plain text', async () => {
    const restored = await here('post', `/deleted/person/${gone[150]}/restore`);
    expect(restored.status).toBeLessThan(300);
    expect(contentOf(restored.body)).toMatchObject({ number: old(10_150) });
    await here('delete', `/records/person/${gone[150]}`).expect(204);
    before = await everything();
  });

  it('is gone on with where a process has died, and not asked about by instants until then', async () => {
    const id = ids[5] as string;
    await cutOff(id, old(5), '1 hour');
    expect(await historiesOf([id])).toEqual({ [id]: before.histories[id] });
    const asked = await here('get', `/records/person?asOf=${instants[0]}&number=eq.${old(5)}`);
    expect(refusal(asked)).toBe('409 entity/change-in-progress');
    await here('get', `/records/person?asOf=${instants[0]}&select=n&limit=1`).expect(200);
    const [{ id: changeId }] = await changesOf();
    // What is in force is not called off.
    await here('delete', `/entities/person/changes/${changeId}`).expect((answer) => expect(answer.status).toBeLessThan(500));
    await here('post', `/entities/person/changes/${changeId}/abort`).expect((answer) => expect(answer.status).toBeLessThan(500));
    expect((await changesOf())[0].status).toBe('running');
    await cutOff(id, old(5), '-1 second');
    await eventually(async () => (await changesOf())[0].status === 'done');
    expect((await storedAnywhere()).match(/plain-\d+-number/g)).toBeNull();
    expect(await everything()).toEqual(before);
  });

  it('comes under a new key with everything else', async () => {
    const cells = await cellsOf(test.database, tenant.schemaName);
    expect(cells.filter(({ table }) => table.startsWith('~')).reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(6_000);
    for (const purpose of ['encrypt', 'index']) {
      const { body } = await here('post', '/keys/rotate').send({ purpose }).expect(202);
      const job = await finishedKeyJob(here, body.id);
      expect(job.cells.done).toBe(job.cells.total);
    }
    expect((await cellsOf(test.database, tenant.schemaName)).filter(({ version }) => version !== 2)).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  it('stays encrypted when the property is not any more, and is encrypted again with what came since', async () => {
    const { ssn: _, ...rest } = (await here('get', `/records/person/${ids[0]}`).expect(200)).body;
    await change(here, 'person', SECOND, ALL);
    await here('patch', `/records/person/${ids[0]}`).send({ round: 77 }).expect(200);
    const history = await historiesOf([ids[0] as string]);
    await change(here, 'person', SEALED, ALL);
    expect(await historiesOf([ids[0] as string])).toEqual(history);
    expect((await storedAnywhere()).match(/plain-\d+-number/g)).toBeNull();
    expect(contentOf((await here('get', `/records/person/${ids[0]}`).expect(200)).body)).toEqual({
      ...contentOf(rest),
      round: 77,
    });
    const { body } = await here('post', '/keys/rotate').send({ purpose: 'encrypt' }).expect(202);
    await finishedKeyJob(here, body.id);
    expect((await cellsOf(test.database, tenant.schemaName)).filter(({ version }) => version !== 3)).toEqual([]);
    expect(await historiesOf([ids[0] as string])).toEqual(history);
  });

  it('is unreadable without the keys, and what was in plain text by then is gone', async () => {
    const then = await now();
    await here('post', '/keys/shred')
      .send({ confirm: tenant.slug })
      .expect((answer) => expect(answer.status).toBeLessThan(300));
    for (const path of [`/records/person/${ids[0]}/history`, '/deleted/person', `/records/person?asOf=${then}`]) {
      const answer = await here('get', path);
      expect([path, answer.status, answer.text.includes('plain-')]).toEqual([path, 410, false]);
    }
    await cutOff(ids[5] as string, old(5), '-1 second');
    await eventually(
      async () =>
        (
          await admin(`select from business_store_service.schema_changes where tenant_id = $1 and status = 'running'`, [
            tenant.id,
          ])
        ).length === 0,
    );
    expect((await storedAnywhere()).match(/plain-\d+-number/g)).toBeNull();
  });
});
