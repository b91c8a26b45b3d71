/** Where the past is kept: partitions that come and go with time, behind the same locks as every other table. */

import { WakeUp } from '../../src/database/wake-up.js';
import { PastSweep } from '../../src/entities/past-sweep.js';
import { TenantDirectory } from '../../src/tenants/tenant-directory.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { sweep as sweepOfAnother } from '../harness/sweep.js';

const NOTE = {
  ...{ type: 'object', softDelete: true, history: 'full', retention: { deletedDays: 30, historyDays: 3 } },
  properties: { title: { type: 'string' } },
};

let test: TestService;
let tenant: TestTenant;
let as: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  as = await tenant.as();
  await tenant.define('note', NOTE);
});

afterAll(() => test.stop());

const admin = async <T>(text: string, values: readonly unknown[] = []): Promise<T[]> =>
  (await test.database.admin(text, values)).rows as T[];

interface Partition {
  readonly kind: string;
  readonly name: string;
  readonly bounds: string;
}

/** As Postgres has them, in the order of their beginnings; none is attached that the registry does not know, and none is missing. */
async function partitions(of: TestTenant = tenant): Promise<Partition[]> {
  const found = await admin<Partition & { parent: string }>(
    `select parent.relname as parent, child.relname as name, pg_get_expr(child.relpartbound, child.oid) as bounds
from pg_inherits
join pg_class as parent on parent.oid = inhparent
join pg_class as child on child.oid = inhrelid
join pg_namespace as home on home.oid = parent.relnamespace
where home.nspname = $1
  and parent.relkind = 'p'
order by child.relname`,
    [of.schemaName],
  );
  const [noted] = await admin<{ n: string }>(
    'select count(*) as n from business_store_service.past_partitions where tenant_id = $1',
    [of.id],
  );
  expect(Number(noted?.n)).toBe(found.length);
  return found.map(({ parent, name, bounds }) => ({ kind: parent.split('~')[1] as string, name, bounds }));
}

const of = async (kind: string) => (await partitions()).filter((each) => each.kind === kind);

/** Sets the clock of the partitions back: everything there began so many days earlier. */
async function age(kind: string, days: number): Promise<void> {
  const [open] = (await of(kind)).filter(({ bounds }) => bounds.endsWith('(MAXVALUE)'));
  const from = /FROM \('([^']+)'\)/.exec(open?.bounds ?? '')?.[1] as string;
  const [parent] = await admin<{ relname: string }>(
    `select relname from pg_class join pg_namespace as home on home.oid = relnamespace
where nspname = $1 and relkind = 'p' and relname like '~' || $2 || '~%'`,
    [tenant.schemaName, kind],
  );
  const [table, old] = [`"${tenant.schemaName}"."${parent?.relname}"`, `"${tenant.schemaName}"."${open?.name}"`];
  const [moved] = await admin<{ bound: string; name: string }>(
    `select (($1::timestamptz at time zone 'UTC')::date - $2::integer)::text as bound,
  $3 || '~' || to_char(($1::timestamptz at time zone 'UTC')::date - $2::integer, 'YYYYMMDD') as name`,
    [from, days, parent?.relname],
  );
  for (const other of (await of(kind)).filter(({ name }) => name !== open?.name)) {
    await admin(`drop table "${tenant.schemaName}"."${other.name}"`);
  }
  await admin(`alter table ${table} detach partition ${old}`);
  await admin(`alter table ${old} rename to "${moved?.name}"`);
  await admin(
    `alter table ${table} attach partition "${tenant.schemaName}"."${moved?.name}" for values from ('${moved?.bound} 00:00:00+00') to (maxvalue)`,
  );
  await admin(
    `delete from business_store_service.past_partitions where tenant_id = $1 and kind = $2 and upper_bound is not null`,
    [tenant.id, kind],
  );
  await admin(
    `update business_store_service.past_partitions set lower_bound = $3::timestamptz where tenant_id = $1 and kind = $2`,
    [tenant.id, kind, `${moved?.bound} 00:00:00+00`],
  );
}

/** As every instance does it each hour. */
const sweeper = (onError: (error: unknown) => void, aheadMs?: number): PastSweep => {
  const { controlPlane } = test.service;
  const directory = new TenantDirectory(controlPlane, new WakeUp('', onError), onError);
  return new PastSweep(controlPlane, directory, onError, aheadMs);
};

async function sweep(times = 1): Promise<void> {
  const failures: unknown[] = [];
  await Promise.all(Array.from({ length: times }, () => sweeper((error) => failures.push(error)).sweep()));
  expect(failures).toEqual([]);
}

async function changed(): Promise<string> {
  const { id } = (await as('post', '/records/note').send({ title: 'a' })).body as { id: string };
  expect((await as('patch', `/records/note/${id}`).send({ title: 'b' })).status).toBe(200);
  return id;
}

describe('what is past', () => {
  it('cannot be changed by the role of its tenant, nor reached but through its table', async () => {
    await changed();
    const rights = await admin<{ told: string }>(
      `select class.relkind::text || ' ' || coalesce(string_agg(right_name, ',' order by right_name) filter (
  where has_table_privilege('tn_' || substr($1, 3), class.oid, right_name)), '') as told
from pg_class as class
join pg_namespace as home on home.oid = class.relnamespace,
  unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) as right_name
where home.nspname = $1
  and class.relname like '~%'
  and class.relkind in ('r', 'p')
group by class.oid, class.relkind`,
      [tenant.schemaName],
    );
    expect([...new Set(rights.map(({ told }) => told))].sort()).toEqual(['p DELETE,INSERT,SELECT', 'r ']);
  });

  it('is behind forced row security, with a policy on its table and none that opens a partition', async () => {
    const locks = await admin<{ told: string }>(
      `select distinct class.relkind::text || ' ' || (relrowsecurity and relforcerowsecurity) || ' ' || (
  select count(*) from pg_policy where polrelid = class.oid) as told
from pg_class as class
join pg_namespace as home on home.oid = class.relnamespace
where home.nspname = $1
  and class.relname like '~%'
  and class.relkind in ('r', 'p')`,
      [tenant.schemaName],
    );
    expect(locks.map(({ told }) => told).sort()).toEqual(['p true 1', 'r true 0']);
  });

  it('cannot be another tenant’s, even by a superuser’s hand', async () => {
    const [parent] = await of('history');
    const table = parent?.name.split('~').slice(0, 3).join('~');
    const insert = `insert into "${tenant.schemaName}"."${table}" (tenant_id, id, revision, version, began_at, ended_at, ended_by, body)
values (gen_random_uuid(), gen_random_uuid(), 1, 1, now(), now(), 'x', '{}')`;
    await expect(admin(insert)).rejects.toMatchObject({ code: '23514' });
  });
});

describe('a partition', () => {
  it('takes what comes late: nobody has to be in time for a write to succeed', async () => {
    await age('history', 400);
    const id = await changed();
    expect((await as('get', `/records/note/${id}/history`)).body.items).toHaveLength(2);
    const open = (await of('history')).at(-1);
    expect(open?.bounds).toMatch(/TO \(MAXVALUE\)$/);
    expect(await admin(`select from "${tenant.schemaName}"."${open?.name}" where id = $1`, [id])).toHaveLength(1);
  });

  it('gets an end once it fills, behind which the next one is open, with everything still there', async () => {
    await age('history', 400);
    const id = await changed();
    await sweep();
    const found = await of('history');
    expect(found).toHaveLength(2);
    expect(found[0]?.bounds).not.toMatch(/MAXVALUE/);
    expect(found[1]?.bounds).toMatch(/TO \(MAXVALUE\)$/);
    expect(/TO \('([^']+)'\)/.exec(found[0]?.bounds ?? '')?.[1]).toBe(/FROM \('([^']+)'\)/.exec(found[1]?.bounds ?? '')?.[1]);
    expect((await as('get', `/records/note/${id}/history`)).body.items).toHaveLength(2);
    await sweep();
    expect(await of('history')).toEqual(found);
  });

  it('gets its end before its time has come, while nothing has to be read of it', async () => {
    await age('history', 400);
    await sweep();
    const before = await of('history');
    const failures: unknown[] = [];
    await sweeper((error) => failures.push(error), 2 * 86_400_000).sweep();
    const after = await of('history');
    expect([failures, after.length]).toEqual([[], before.length + 1]);
    const closed = after.at(-2);
    expect(closed?.name).toBe(before.at(-1)?.name);
    expect(await admin(`select from "${tenant.schemaName}"."${closed?.name}"`)).toEqual([]);
  });

  it('is dropped as a whole when the retention of its last row is over, and only then', async () => {
    const id = await changed();
    expect((await as('delete', `/records/note/${id}`)).status).toBe(204);
    const kept = await of('history');
    await admin(
      `update business_store_service.past_partitions set upper_bound = now() - interval '2 days' where tenant_id = $1 and kind = 'history' and upper_bound is not null`,
      [tenant.id],
    );
    await sweep();
    expect(await of('history')).toEqual(kept);
    await admin(
      `update business_store_service.past_partitions set upper_bound = now() - interval '3 days 1 second' where tenant_id = $1 and kind = 'history' and upper_bound is not null`,
      [tenant.id],
    );
    await sweep();
    expect((await of('history')).map(({ name }) => name)).toEqual(kept.slice(-1).map(({ name }) => name));
    // Deleted records have a retention of their own.
    expect((await as('get', `/deleted/note/${id}`)).status).toBe(200);
  });

  it('is closed once by two instances that come at the same time', async () => {
    await age('history', 400);
    await sweep(4);
    expect(await of('history')).toHaveLength(2);
  });

  it('is closed while others write, and no version is lost', async () => {
    await age('deleted', 400);
    await age('history', 400);
    let isOver = false;
    const ids: string[] = [];
    const writing = (async () => {
      while (!isOver) ids.push(await changed());
    })();
    await sweep();
    isOver = true;
    await writing;
    expect((await of('history')).length).toBeGreaterThanOrEqual(2);
    for (const id of ids) expect((await as('get', `/records/note/${id}/history`)).body.items).toHaveLength(2);
  });
});

describe('an entity', () => {
  it('that is renamed, or dropped and restored, has its past still', async () => {
    const own = await test.tenant();
    const call = await own.as();
    await own.define('memo', NOTE);
    const { id } = (await call('post', '/records/memo').send({ title: 'a' })).body as { id: string };
    await call('patch', `/records/memo/${id}`).send({ title: 'b' });
    const plan = (await call('post', '/entities/letter/plan').send({ ...NOTE, renamedFrom: 'memo' })).body as { hash: string };
    const applied = await call('post', '/entities/letter/apply').send({
      document: { ...NOTE, renamedFrom: 'memo' },
      hash: plan.hash,
    });
    expect(applied.status).toBe(200);
    await call('patch', `/records/letter/${id}`).send({ title: 'c' });
    expect((await call('get', `/records/letter/${id}/history`)).body).toMatchObject({ items: [{}, {}, {}] });
    expect((await call('delete', '/entities/letter?allow=destructive')).status).toBe(204);
    // The name is free, and what gets it has a past of its own.
    await own.define('letter', NOTE);
    expect((await call('get', `/records/letter/${id}/history`)).status).toBe(404);
    expect((await call('delete', '/entities/letter?allow=destructive')).status).toBe(204);
    expect((await partitions(own)).length).toBe(8);
  });

  it('takes its past along when it is purged', async () => {
    const own = await test.tenant();
    const call = await own.as();
    await own.define('memo', NOTE);
    await call('delete', '/entities/memo?allow=destructive');
    await admin(`update business_store_service.tenant_schemas set purge_at = now() - interval '1 second' where tenant_id = $1`, [
      own.id,
    ]);
    await sweepOfAnother(
      test,
      async () => (await admin('select from business_store_service.past_tables where tenant_id = $1', [own.id])).length === 0,
    );
    expect(await admin('select from business_store_service.past_tables where tenant_id = $1', [own.id])).toEqual([]);
    expect(
      await admin(`select relname from pg_class join pg_namespace as home on home.oid = relnamespace where nspname = $1`, [
        own.schemaName,
      ]),
    ).toEqual([]);
  });

  it('keeps less only when it is said so, and what it kept is there when it keeps it again', async () => {
    const own = await test.tenant();
    const call = await own.as();
    await own.define('memo', NOTE);
    const { id } = (await call('post', '/records/memo').send({ title: 'a' })).body as { id: string };
    await call('patch', `/records/memo/${id}`).send({ title: 'b' });
    const off = { ...NOTE, history: 'none', retention: { deletedDays: 30 } };
    expect((await call('put', '/entities/memo').send(off)).status).toBe(409);
    const { hash } = (await call('post', '/entities/memo/plan').send(off)).body as { hash: string };
    expect((await call('post', '/entities/memo/apply').send({ document: off, hash })).status).toBe(200);
    expect((await call('get', `/records/memo/${id}/history`)).body.type).toBe('urn:bss:problem:past/not-kept');
    await call('patch', `/records/memo/${id}`).send({ title: 'nobody knows' });
    expect((await call('put', '/entities/memo').send(NOTE)).status).toBe(200);
    await call('patch', `/records/memo/${id}`).send({ title: 'd' });
    const { items } = (await call('get', `/records/memo/${id}/history`)).body as {
      items: { revision: number; changes?: unknown }[];
    };
    expect(items.map(({ revision }) => revision)).toEqual([4, 3, 1]);
    // What nobody knows is not put down to whoever came next.
    expect(items.map(({ changes }) => changes !== undefined)).toEqual([true, false, false]);
  });
});
